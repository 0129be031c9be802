# Builds script.go, of whatever package, as a program; $1 is Go.
export GOCACHE="$HOME/cache" GOPATH="$HOME/go" GOFLAGS='' GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local GOTELEMETRY=off CGO_ENABLED=0
name=$(sed -n 's/^func  *\([Hh]andle\)[ (].*/\1/p' script.go | head -n 1)
if [ -z "$name" ]; then
  echo "the script has no function handle(data)" >&2
  exit 1
fi
sed 's/^package  *[A-Za-z_][A-Za-z_0-9]*/package main/' script.go >whole
printf '\nfunc init() { patchworksHandler = %s }\n' "$name" >>whole
mv -f whole script.go
"$1" build -o program -ldflags '-s -w' caller.go script.go 2>errors || {
  sed -e '/^#/d' -e 's|^\./||' errors >&2
  exit 1
}
