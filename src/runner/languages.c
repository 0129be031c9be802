#include "languages.h"

#include <stddef.h>
#include <string.h>

/* Each caller reads the handler's data on standard input and writes to the file `result`, with NUL between the parts,
 * either "answer", the answer in JSON, and the entries of its logs; or "raised", the script's line (0 where it isn't
 * known), and what was raised. What the script prints goes where it wants. */
static const char python_caller[] =
    "import inspect, json, runpy, sys, traceback\n"
    "def finish(*parts):\n"
    "    with open('result', 'w', encoding='utf-8', errors='replace', newline='') as file:\n"
    "        file.write('\\0'.join(parts))\n"
    "def call():\n"
    "    handle = runpy.run_path('script.py', run_name='script').get('handle')\n"
    "    if not callable(handle):\n"
    "        raise NameError('the script has no function handle(data)')\n"
    "    answer = handle(json.load(sys.stdin))\n"
    "    if inspect.isawaitable(answer):\n"
    "        import asyncio\n"
    "        async def wait(): return await answer\n"
    "        answer = asyncio.run(wait())\n"
    "    logs = answer.get('logs') if isinstance(answer, dict) else None\n"
    "    logs = logs if isinstance(logs, (list, tuple)) else []\n"
    "    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in logs if entry is not None]\n"
    "    finish('answer', json.dumps(answer), *lines)\n"
    "def line_of(problem):\n"
    "    if isinstance(problem, SyntaxError): return problem.lineno or 0\n"
    "    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == "
    "'script.py']\n"
    "    return lines[-1] if lines else 0\n"
    "try:\n"
    "    call()\n"
    "except BaseException as problem:\n"
    "    if not isinstance(problem, SystemExit): traceback.print_exc()\n"
    "    text = ''.join(traceback.format_exception_only(type(problem), problem)).strip()\n"
    "    finish('raised', str(line_of(problem)), text)\n";

static const char node_caller[] =
    "const fs = require('fs');\n"
    "const finish = (...parts) => fs.writeFileSync('result', parts.join('\\0'));\n"
    "const fail = (problem) => {\n"
    "  const stack = String(problem && problem.stack || '');\n"
    "  console.error(stack || problem);\n"
    "  const line = /script\\.js:(\\d+)/.exec(stack);\n"
    "  finish('raised', line ? line[1] : '0', String(problem));\n"
    "  process.exit(1);\n"
    "};\n"
    "process.on('uncaughtException', fail);\n"
    "process.on('unhandledRejection', fail);\n"
    "(async () => {\n"
    "  const exported = require('./script.js');\n"
    "  const handle = typeof exported === 'function' ? exported : exported.handle || exported.default;\n"
    "  if (typeof handle !== 'function') throw new TypeError('the script sets no function as module.exports');\n"
    "  const answer = await handle(JSON.parse(fs.readFileSync(0, 'utf8')));\n"
    "  const logs = answer && Array.isArray(answer.logs) ? answer.logs.filter((entry) => entry != null) : [];\n"
    "  const lines = logs.map((entry) => (typeof entry === 'string' ? entry : String(JSON.stringify(entry))));\n"
    "  finish('answer', JSON.stringify(answer === undefined ? null : answer), ...lines);\n"
    "  process.exit(0);\n"
    "})().catch(fail);\n";

static const char php_caller[] =
    "<?php\n"
    "const PATCHWORKS_JSON = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION;\n"
    "function finish_with(...$parts) { file_put_contents('result', implode(\"\\0\", $parts)); }\n"
    "function line_of($problem) {\n"
    "    $places = [['file' => $problem->getFile(), 'line' => $problem->getLine()], ...$problem->getTrace()];\n"
    "    foreach ($places as $place) if (basename($place['file'] ?? '') === 'script.php') return $place['line'];\n"
    "    return 0;\n"
    "}\n"
    "try {\n"
    "    require './script.php';\n"
    "    if (!function_exists('handle')) throw new Error('the script has no function handle($data)');\n"
    "    $answer = handle(json_decode(file_get_contents('php://stdin'), true));\n"
    "    if ($answer === []) $answer = new stdClass();\n"
    "    $text = json_encode($answer, PATCHWORKS_JSON);\n"
    "    if ($text === false) throw new Error('the answer is no JSON: ' . json_last_error_msg());\n"
    "    $logs = ((array) $answer)['logs'] ?? [];\n"
    "    $lines = [];\n"
    "    foreach (is_array($logs) ? $logs : [] as $entry) {\n"
    "        if ($entry !== null) $lines[] = is_string($entry) ? $entry : json_encode($entry, PATCHWORKS_JSON);\n"
    "    }\n"
    "    finish_with('answer', $text, ...$lines);\n"
    "} catch (Throwable $problem) {\n"
    "    fwrite(STDERR, $problem . \"\\n\");\n"
    "    finish_with('raised', (string) line_of($problem), get_class($problem) . ': ' . $problem->getMessage());\n"
    "}\n";

static const char ruby_caller[] =
    "require 'json'\n"
    "def finish_with(*parts) = File.binwrite('result', parts.map { |part| part.to_s.b }.join(\"\\0\"))\n"
    "def line_of(problem)\n"
    "  places = [problem.message, *problem.backtrace].join(\"\\n\")\n"
    "  places[/script\\.rb:(\\d+)/, 1] || 0\n"
    "end\n"
    "begin\n"
    "  load './script.rb'\n"
    "  raise NameError, 'the script has no method handle(data)' unless respond_to?(:handle, true)\n"
    "  answer = handle(JSON.parse($stdin.read))\n"
    "  text = JSON.generate(answer)\n"
    "  logs = answer.is_a?(Hash) ? answer['logs'] || answer[:logs] : nil\n"
    "  lines = logs.is_a?(Array) ? logs.compact.map { |entry| entry.is_a?(String) ? entry : JSON.generate(entry) } : "
    "[]\n"
    "  finish_with('answer', text, *lines)\n"
    "rescue Exception => problem\n"
    "  warn problem.full_message(highlight: false) unless problem.is_a?(SystemExit)\n"
    "  finish_with('raised', line_of(problem), \"#{problem.class}: #{problem.message}\")\n"
    "end\n";

static const char python_check[] =
    "import sys\n"
    "try:\n"
    "    compile(open('script.py', 'rb').read(), 'script.py', 'exec')\n"
    "except (SyntaxError, ValueError) as problem:\n"
    "    import traceback\n"
    "    sys.exit(''.join(traceback.format_exception_only(type(problem), problem)))\n";

static const pw_language languages[] = {
    {"python",
     "Python",
     "python3",
     "script.py",
     "caller.py",
     python_caller,
     {"-I", "-c", python_check, NULL},
     {"-I", "caller.py", NULL},
     "--version",
     true},
    {"javascript",
     "JavaScript",
     "node",
     "script.js",
     "caller.js",
     node_caller,
     {"--check", "script.js", NULL},
     {"--max-old-space-size=512", "caller.js", NULL},
     "--version",
     false},
    {"php",
     "PHP",
     "php",
     "script.php",
     "caller.php",
     php_caller,
     {"-n", "-d", "display_errors=stderr", "-l", "script.php", NULL},
     {"-n", "-d", "display_errors=stderr", "caller.php", NULL},
     "--version",
     true},
    {"ruby",
     "Ruby",
     "ruby",
     "script.rb",
     "caller.rb",
     ruby_caller,
     {"--disable=gems", "-c", "script.rb", NULL},
     {"--disable=gems", "caller.rb", NULL},
     "--version",
     true},
};

enum { COUNT = sizeof languages / sizeof *languages };

const pw_language *pw_language_at(int index) { return index < COUNT ? &languages[index] : NULL; }

const pw_language *pw_language_find(const char *name) {
  for (int i = 0; i < COUNT; i++) {
    if (strcmp(languages[i].name, name) == 0) return &languages[i];
  }
  return NULL;
}

const pw_language *pw_language_of_file(const char *path) {
  const char *ending = strrchr(path, '.');
  for (int i = 0; ending != NULL && i < COUNT; i++) {
    if (strcmp(strrchr(languages[i].source, '.'), ending) == 0) return &languages[i];
  }
  return NULL;
}
