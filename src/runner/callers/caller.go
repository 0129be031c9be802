package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

// The script's handler: what is built beside it sets it. Names begin with patchworks, since the script's are beside them.
var patchworksHandler interface{}

func patchworksFinish(parts ...string) {
	if err := os.WriteFile("result", []byte(strings.Join(parts, "\x00")), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func patchworksCall(text []byte) (interface{}, error) {
	handler := reflect.ValueOf(patchworksHandler)
	kind := handler.Type()
	if kind.NumIn() != 1 || kind.NumOut() < 1 || kind.NumOut() > 2 {
		return nil, errors.New("handle must take data and return an answer, or an answer and an error")
	}
	data := reflect.New(kind.In(0))
	if err := json.Unmarshal(text, data.Interface()); err != nil {
		return nil, err
	}
	values := handler.Call([]reflect.Value{data.Elem()})
	if len(values) == 2 {
		if err, bad := values[1].Interface().(error); bad {
			return nil, err
		}
	}
	return values[0].Interface(), nil
}

func patchworksWrite(value interface{}) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// The entries of the answer's logs: strings as they are, all else in JSON.
func patchworksLogs(answer string) []string {
	var list struct {
		Logs []json.RawMessage `json:"logs"`
	}
	entries := []string{}
	if json.Unmarshal([]byte(answer), &list) != nil {
		return entries
	}
	for _, raw := range list.Logs {
		var entry *string
		if json.Unmarshal(raw, &entry) != nil {
			entries = append(entries, string(raw))
		} else if entry != nil {
			entries = append(entries, *entry)
		}
	}
	return entries
}

func patchworksLine() int {
	places := make([]uintptr, 100)
	frames := runtime.CallersFrames(places[:runtime.Callers(1, places)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.File, "script.go") {
			return frame.Line
		}
		if !more {
			return 0
		}
	}
}

func main() {
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Fprintln(os.Stderr, "panic:", problem)
			patchworksFinish("raised", strconv.Itoa(patchworksLine()), fmt.Sprint("panic: ", problem))
		}
	}()
	text, err := io.ReadAll(os.Stdin)
	var answer interface{}
	var written string
	if err == nil {
		answer, err = patchworksCall(text)
	}
	if err == nil {
		written, err = patchworksWrite(answer)
	}
	if err != nil {
		patchworksFinish("raised", "0", err.Error())
		return
	}
	patchworksFinish(append([]string{"answer", written}, patchworksLogs(written)...)...)
}
