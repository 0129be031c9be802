// The script sees this crate as `serde_json`: its Value, json!, from_str and to_string. It is not that crate: nothing is
// derived, and what isn't here is no part of it.
#![allow(dead_code)]
extern crate self as serde_json;

mod script;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

pub type Map<K, V> = BTreeMap<K, V>;

/// A number as it was written, so that no digit is lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Number(String);

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Value>),
    Object(Map<String, Value>),
}

#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result { out.write_str(&self.0) }
}

impl std::error::Error for Error {}

impl Number {
    pub fn as_i64(&self) -> Option<i64> { self.0.parse().ok() }
    pub fn as_u64(&self) -> Option<u64> { self.0.parse().ok() }
    pub fn as_f64(&self) -> Option<f64> { self.0.parse().ok() }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result { out.write_str(&self.0) }
}

static NULL: Value = Value::Null;

impl Value {
    pub fn as_str(&self) -> Option<&str> { if let Value::String(text) = self { Some(text) } else { None } }
    pub fn as_bool(&self) -> Option<bool> { if let Value::Bool(value) = self { Some(*value) } else { None } }
    pub fn as_number(&self) -> Option<&Number> { if let Value::Number(number) = self { Some(number) } else { None } }
    pub fn as_i64(&self) -> Option<i64> { self.as_number()?.as_i64() }
    pub fn as_u64(&self) -> Option<u64> { self.as_number()?.as_u64() }
    pub fn as_f64(&self) -> Option<f64> { self.as_number()?.as_f64() }
    pub fn as_array(&self) -> Option<&Vec<Value>> { if let Value::Array(list) = self { Some(list) } else { None } }
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        if let Value::Array(list) = self { Some(list) } else { None }
    }
    pub fn as_object(&self) -> Option<&Map<String, Value>> { if let Value::Object(map) = self { Some(map) } else { None } }
    pub fn as_object_mut(&mut self) -> Option<&mut Map<String, Value>> {
        if let Value::Object(map) = self { Some(map) } else { None }
    }
    pub fn is_null(&self) -> bool { matches!(self, Value::Null) }
    pub fn is_string(&self) -> bool { self.as_str().is_some() }
    pub fn is_number(&self) -> bool { self.as_number().is_some() }
    pub fn is_boolean(&self) -> bool { self.as_bool().is_some() }
    pub fn is_array(&self) -> bool { self.as_array().is_some() }
    pub fn is_object(&self) -> bool { self.as_object().is_some() }
    pub fn get<I: Index>(&self, index: I) -> Option<&Value> { index.of(self) }
    pub fn get_mut<I: Index>(&mut self, index: I) -> Option<&mut Value> { index.of_mut(self) }
    pub fn take(&mut self) -> Value { std::mem::replace(self, Value::Null) }
}

/// What a value can be asked for: a member's name, or a place in an array.
pub trait Index {
    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value>;
    fn of_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value>;
    fn made<'a>(&self, value: &'a mut Value) -> &'a mut Value;
}

impl Index for &str {
    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> { value.as_object()?.get(*self) }
    fn of_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> { value.as_object_mut()?.get_mut(*self) }
    fn made<'a>(&self, value: &'a mut Value) -> &'a mut Value {
        if value.is_null() { *value = Value::Object(Map::new()); }
        let map = value.as_object_mut().unwrap_or_else(|| panic!("{:?} is asked for in what is no object", self));
        map.entry(self.to_string()).or_insert(Value::Null)
    }
}

impl Index for &String {
    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> { self.as_str().of(value) }
    fn of_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> { self.as_str().of_mut(value) }
    fn made<'a>(&self, value: &'a mut Value) -> &'a mut Value { self.as_str().made(value) }
}

impl Index for usize {
    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> { value.as_array()?.get(*self) }
    fn of_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> { value.as_array_mut()?.get_mut(*self) }
    fn made<'a>(&self, value: &'a mut Value) -> &'a mut Value {
        self.of_mut(value).unwrap_or_else(|| panic!("there is no {} in the array", self))
    }
}

impl<I: Index> std::ops::Index<I> for Value {
    type Output = Value;
    fn index(&self, index: I) -> &Value { index.of(self).unwrap_or(&NULL) }
}

impl<I: Index> std::ops::IndexMut<I> for Value {
    fn index_mut(&mut self, index: I) -> &mut Value { index.made(self) }
}

macro_rules! from_numbers {
    ($($kind:ty)*) => { $(impl From<$kind> for Value {
        fn from(number: $kind) -> Value { Value::Number(Number(number.to_string())) }
    })* };
}
from_numbers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        if number.is_finite() { Value::Number(Number(format!("{:?}", number))) } else { Value::Null }
    }
}
impl From<f32> for Value { fn from(number: f32) -> Value { f64::from(number).into() } }
impl From<bool> for Value { fn from(value: bool) -> Value { Value::Bool(value) } }
impl From<()> for Value { fn from(_: ()) -> Value { Value::Null } }
impl From<Number> for Value { fn from(number: Number) -> Value { Value::Number(number) } }
impl From<&str> for Value { fn from(text: &str) -> Value { Value::String(text.to_string()) } }
impl From<String> for Value { fn from(text: String) -> Value { Value::String(text) } }
impl From<&Value> for Value { fn from(value: &Value) -> Value { value.clone() } }
impl From<&String> for Value { fn from(text: &String) -> Value { Value::String(text.clone()) } }
impl From<Map<String, Value>> for Value { fn from(map: Map<String, Value>) -> Value { Value::Object(map) } }
impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(list: Vec<T>) -> Value { Value::Array(list.into_iter().map(Into::into).collect()) }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value { value.map_or(Value::Null, Into::into) }
}

pub fn to_value<T: Clone + Into<Value>>(value: &T) -> Value { value.clone().into() }
pub fn to_string<T: Clone + Into<Value>>(value: &T) -> Result<String, Error> { Ok(to_value(value).to_string()) }

pub fn from_str<T: From<Value>>(text: &str) -> Result<T, Error> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at < text.len() { return Err(reader.wrong("trailing characters")); }
    Ok(value.into())
}

#[macro_export]
macro_rules! json {
    (null) => { $crate::Value::Null };
    ([]) => { $crate::Value::Array(Vec::new()) };
    ([ $($item:tt)+ ]) => {{
        let mut list = Vec::new();
        $crate::json_items!(list $($item)+);
        $crate::Value::Array(list)
    }};
    ({}) => { $crate::Value::Object($crate::Map::new()) };
    ({ $($member:tt)+ }) => {{
        let mut map = $crate::Map::new();
        $crate::json_members!(map $($member)+);
        $crate::Value::Object(map)
    }};
    ($value:expr) => { $crate::to_value(&$value) };
}

#[macro_export]
#[doc(hidden)]
macro_rules! json_items {
    ($list:ident) => {};
    ($list:ident null $(, $($rest:tt)*)?) => { $list.push($crate::Value::Null); $crate::json_items!($list $($($rest)*)?) };
    ($list:ident [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $list.push($crate::json!([ $($inner)* ])); $crate::json_items!($list $($($rest)*)?)
    };
    ($list:ident { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $list.push($crate::json!({ $($inner)* })); $crate::json_items!($list $($($rest)*)?)
    };
    ($list:ident $value:expr $(, $($rest:tt)*)?) => {
        $list.push($crate::to_value(&$value)); $crate::json_items!($list $($($rest)*)?)
    };
}

#[macro_export]
#[doc(hidden)]
macro_rules! json_members {
    ($map:ident) => {};
    ($map:ident $key:tt : null $(, $($rest:tt)*)?) => {
        $map.insert($key.to_string(), $crate::Value::Null); $crate::json_members!($map $($($rest)*)?)
    };
    ($map:ident $key:tt : [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $map.insert($key.to_string(), $crate::json!([ $($inner)* ])); $crate::json_members!($map $($($rest)*)?)
    };
    ($map:ident $key:tt : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $map.insert($key.to_string(), $crate::json!({ $($inner)* })); $crate::json_members!($map $($($rest)*)?)
    };
    ($map:ident $key:tt : $value:expr $(, $($rest:tt)*)?) => {
        $map.insert($key.to_string(), $crate::to_value(&$value)); $crate::json_members!($map $($($rest)*)?)
    };
}

fn write_text(text: &str, out: &mut fmt::Formatter) -> fmt::Result {
    out.write_str("\"")?;
    for letter in text.chars() {
        match letter {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            control if control < ' ' => write!(out, "\\u{:04x}", control as u32)?,
            other => write!(out, "{}", other)?,
        }
    }
    out.write_str("\"")
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Null => out.write_str("null"),
            Value::Bool(value) => write!(out, "{}", value),
            Value::Number(number) => write!(out, "{}", number),
            Value::String(text) => write_text(text, out),
            Value::Array(list) => {
                for (i, value) in list.iter().enumerate() { write!(out, "{}{}", if i == 0 { "[" } else { "," }, value)?; }
                out.write_str(if list.is_empty() { "[]" } else { "]" })
            }
            Value::Object(map) => {
                for (i, (name, value)) in map.iter().enumerate() {
                    out.write_str(if i == 0 { "{" } else { "," })?;
                    write_text(name, out)?;
                    write!(out, ":{}", value)?;
                }
                out.write_str(if map.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

const DEEPEST: usize = 128;

impl Reader<'_> {
    fn wrong(&self, what: &str) -> Error { Error(format!("{} at byte {} of the JSON", what, self.at + 1)) }
    fn peek(&self) -> u8 { *self.bytes.get(self.at).unwrap_or(&0) }
    fn blanks(&mut self) { while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') { self.at += 1; } }
    fn takes(&mut self, word: &str) -> bool {
        let there = self.bytes[self.at..].starts_with(word.as_bytes());
        if there { self.at += word.len(); }
        there
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        self.blanks();
        match self.peek() {
            _ if depth > DEEPEST => Err(self.wrong("nested too deeply")),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => Ok(Value::String(self.text()?)),
            b'-' | b'0'..=b'9' => self.number(),
            _ if self.takes("null") => Ok(Value::Null),
            _ if self.takes("true") => Ok(Value::Bool(true)),
            _ if self.takes("false") => Ok(Value::Bool(false)),
            _ => Err(self.wrong("expected a value")),
        }
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        while matches!(self.peek(), b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') { self.at += 1; }
        let text = String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned();
        let digits = text.trim_start_matches('-');
        let zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        if zero || text.parse::<f64>().is_err() { return Err(self.wrong("invalid number")); }
        Ok(Value::Number(Number(text)))
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        let mut list = Vec::new();
        self.at += 1;
        self.blanks();
        if self.takes("]") { return Ok(Value::Array(list)); }
        loop {
            list.push(self.value(depth + 1)?);
            self.blanks();
            if self.takes("]") { return Ok(Value::Array(list)); }
            if !self.takes(",") { return Err(self.wrong("expected , or ]")); }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        let mut map = Map::new();
        self.at += 1;
        self.blanks();
        if self.takes("}") { return Ok(Value::Object(map)); }
        loop {
            self.blanks();
            let name = self.text()?;
            self.blanks();
            if !self.takes(":") { return Err(self.wrong("expected :")); }
            map.insert(name, self.value(depth + 1)?);
            self.blanks();
            if self.takes("}") { return Ok(Value::Object(map)); }
            if !self.takes(",") { return Err(self.wrong("expected , or }")); }
        }
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let digits = self.bytes.get(self.at..self.at + 4).unwrap_or(b"");
        let text = std::str::from_utf8(digits).unwrap_or("");
        let code = u32::from_str_radix(text, 16).map_err(|_| self.wrong("invalid escape"))?;
        self.at += 4;
        Ok(code)
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let letter = self.peek();
        self.at += 1;
        out.push(match letter {
            b'"' | b'\\' | b'/' => letter,
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let mut code = self.hex()?;
                if (0xD800..0xDC00).contains(&code) && self.takes("\\u") {
                    let low = self.hex()?;
                    code = 0x10000 + ((code - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
                }
                let letter = char::from_u32(code).unwrap_or('\u{FFFD}');
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.wrong("invalid escape")),
        });
        Ok(())
    }

    fn text(&mut self) -> Result<String, Error> {
        if !self.takes("\"") { return Err(self.wrong("expected a string")); }
        let mut out = Vec::new();
        loop {
            let byte = self.peek();
            if self.at >= self.bytes.len() || byte < b' ' { return Err(self.wrong("unfinished string")); }
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(out).map_err(|_| self.wrong("invalid UTF-8")),
                b'\\' => self.escape(&mut out)?,
                _ => out.push(byte),
            }
        }
    }
}

/// What a handler may return.
pub trait Answer {
    fn answer(self) -> Result<Value, String>;
}

impl Answer for Value {
    fn answer(self) -> Result<Value, String> { Ok(self) }
}

impl<E: fmt::Display> Answer for Result<Value, E> {
    fn answer(self) -> Result<Value, String> { self.map_err(|problem| problem.to_string()) }
}

fn finish(parts: &[String]) {
    if let Err(problem) = std::fs::write("result", parts.join("\0")) { eprintln!("{}", problem); }
}

fn raised(line: u32, message: String) {
    eprintln!("{}", message);
    finish(&["raised".to_string(), line.to_string(), message]);
}

fn main() {
    std::panic::set_hook(Box::new(|info| {
        let said = info.payload();
        let text = said.downcast_ref::<&str>().map(|text| text.to_string()).or(said.downcast_ref::<String>().cloned());
        let place = info.location().filter(|place| place.file().ends_with("script.rs"));
        raised(place.map_or(0, |place| place.line()), format!("panic: {}", text.unwrap_or_default()));
    }));
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text).map_err(|problem| problem.to_string());
    let data = read.and_then(|_| from_str::<Value>(&text).map_err(|problem| problem.to_string()));
    match data.and_then(script::patchworks_call) {
        Ok(answer) => {
            let mut parts = vec!["answer".to_string(), answer.to_string()];
            for entry in answer["logs"].as_array().unwrap_or(&Vec::new()) {
                if !entry.is_null() { parts.push(entry.as_str().map_or(entry.to_string(), str::to_string)); }
            }
            finish(&parts);
        }
        Err(problem) => raised(0, problem),
    }
}
