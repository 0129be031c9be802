--- What a script takes from elsewhere, read from its source, and what of it the platform hasn't got.
--
-- The platform has each language's own library and a few packages; nothing can be added. A reading of the source finds
-- what is imported by a plain name, in the forms that people write; what is put together at run time it doesn't see.
--
-- @module patchworks.project.imports
local languages = require "patchworks.project.languages"

local imports = {}

local function set(names)
  local list = {}
  for name in names:gmatch "%S+" do list[name] = true end
  return list
end

local python = set [[
  __future__ abc aifc argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii binhex
  bisect builtins bz2 calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall
  concurrent configparser contextlib contextvars copy copyreg cProfile crypt csv ctypes curses dataclasses
  datetime dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl
  filecmp fileinput fnmatch fractions ftplib functools gc getopt getpass gettext glob graphlib grp gzip hashlib
  heapq hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3
  linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder multiprocessing netrc
  nis nntplib numbers operator optparse os ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform
  plistlib poplib posix pprint profile pstats pty pwd py_compile pyclbr pydoc queue quopri random re readline
  reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site smtpd
  smtplib sndhdr socket socketserver spwd sqlite3 ssl stat statistics string stringprep struct subprocess sunau
  symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap threading time timeit
  tkinter token tokenize tomllib trace traceback tracemalloc tty turtle types typing unicodedata unittest urllib
  uu uuid venv warnings wave weakref webbrowser wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
  requests urllib3 certifi idna charset_normalizer]] -- requests, and what comes with it

local javascript = set [[
  assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain
  events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl
  stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib test jsrsasign
  xml-js sax]]

local ruby = set [[
  English abbrev base64 benchmark bigdecimal bundler cgi coverage csv date debug delegate did_you_mean digest
  drb erb error_highlight etc expect fcntl fiddle fileutils find forwardable getoptlong io ipaddr irb json
  logger matrix monitor mutex_m net nkf objspace observer open-uri open3 openssl optparse ostruct pathname pp
  prettyprint prime pstore psych pty racc random rbs rdoc readline reline resolv rexml rinda ripper rss
  securerandom set shellwords singleton socket stringio strscan syslog tempfile thread time timeout tmpdir
  tracer tsort un unicode_normalize uri weakref win32ole yaml zlib]]

-- The source without its comments and long strings, with as many lines. Quoted strings stay: names are in them.
local function without_comments(language, source)
  local function blank(text) return (text:gsub("[^\n]", " ")) end
  if language == "python" then
    source = source:gsub('""".-"""', blank):gsub("'''.-'''", blank)
  elseif language == "ruby" then
    source = ("\n" .. source):gsub("\n=begin.-\n=end", blank):sub(2)
  else
    source = source:gsub("/%*.-%*/", blank):gsub("([^:])//[^\n]*", "%1")
  end
  return source
end

local function each_line(source)
  local number = 0
  return function(iterator)
    local line = iterator()
    if not line then return nil end
    number = number + 1
    return line, number
  end, (source .. "\n"):gmatch "([^\n]*)\n"
end

local finders = {}

function finders.python(line, found)
  local from = line:match "^%s*from%s+([%w_]+)[%w_%.]*%s+import%f[%W]"
  if from then found(from) end
  local list = line:match "^%s*import%s+([^#;]+)"
  for name in (list or ""):gmatch "[^,]+" do found(name:match "^%s*([%w_]+)" or "") end
end

function finders.javascript(line, found)
  for name in line:gmatch "require%s*%(%s*['\"]([^'\"]+)['\"]" do found(name) end
  for name in line:gmatch "%f[%w]import%s*%(%s*['\"]([^'\"]+)['\"]" do found(name) end
  local from = line:match "^%s*import%s.-from%s*['\"]([^'\"]+)['\"]"
    or line:match "^%s*import%s*['\"]([^'\"]+)['\"]"
  if from then found(from) end
end

function finders.ruby(line, found)
  local name = line:match "^%s*require%s*%(?%s*['\"]([^'\"]+)['\"]"
  if name then found(name) end
end

function finders.php(line, found)
  local name = line:match "^%s*use%s+\\?([%a_][%w_\\]*)"
  if name and name ~= "function" and name ~= "const" then found(name) end
  if line:find "vendor[/\\]autoload%.php" then found "vendor/autoload.php" end
end

-- Whether the platform has what a name stands for.
local has = {}

function has.python(name) return python[name] or false end

function has.javascript(name)
  if name:find "^node:" then return true end
  if name:find "^%.?%.?/" then return false end
  return javascript[name:match "^(@[^/]+/[^/]+)" or name:match "^[^/]+"] or false
end

function has.ruby(name) return ruby[name:match "^[^/]+"] or false end

-- A namespace of one's own is no package: only what is known to be one is warned of.
local php_packages = set [[
  GuzzleHttp Symfony Illuminate Monolog Carbon Doctrine League Ramsey Psr Aws Firebase PhpOffice Twig]]

function has.php(name)
  if name == "vendor/autoload.php" then return false end
  return not php_packages[name:match "^[^\\]+"]
end

local own = {
  python = "requests 2.32.3", javascript = "jsrsasign and xml-js", php = "phpseclib and bcmath", ruby = "no gems",
}

--- The packages that the platform has beside each language's own library, for people.
imports.preinstalled = own

--- How to find out which preinstalled packages are here: for each language its packages, and the words of a process
-- that prints the names of those that it finds, one a line.
imports.probes = {
  { packages = { "requests" }, words = {
    "python3", "-c", [=[import importlib.util as u; [print(n) for n in ["requests"] if u.find_spec(n)]]=],
  } },
  { packages = { "jsrsasign", "xml-js" }, words = {
    "node", "-e", [[for (const n of ["jsrsasign", "xml-js"]) try { require.resolve(n); console.log(n) } catch (e) {}]],
  } },
  { packages = { "bcmath", "phpseclib" }, words = {
    "php", "-r", [[if (extension_loaded("bcmath")) echo "bcmath\n"; @include "vendor/autoload.php"; ]]
      .. [[if (class_exists("phpseclib3\\Crypt\\RSA")) echo "phpseclib\n";]],
  } },
}

local sentence = "line %d: the platform has no %s: beside the language's own library it has %s"

--- What a source imports that the platform hasn't got.
-- @tparam ?string language "python", "javascript", "php" or "ruby"; any other has nothing to tell
-- @tparam string source
-- @treturn table a list of `{name, line, sentence}`
function imports.missing(language, source)
  language = language and languages.find(language)
  language = language and language.name
  local list, seen = {}, {}
  local find, there = finders[language], has[language]
  if not find then return list end
  for line, number in each_line(without_comments(language, source)) do
    if not (language == "ruby" and line:find "^%s*#") then
      find(line, function(name)
        if name == "" or seen[name] or there(name) then return end
        seen[name] = true
        list[#list + 1] = {
          name = name,
          line = number,
          sentence = sentence:format(number, name, own[language]),
        }
      end)
    end
  end
  return list
end

return imports
