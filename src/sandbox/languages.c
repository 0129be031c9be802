#include "languages.h"

#include <stddef.h>
#include <string.h>

/* Each caller reads the handler's data on standard input and writes {"answer": what it returned} or
 * {"raised": what it raised} to result.json; what the script prints goes where it wants. */
static const char python_caller[] =
    "import inspect, json, runpy, sys, traceback\n"
    "def call():\n"
    "    handle = runpy.run_path('script.py', run_name='script').get('handle')\n"
    "    if not callable(handle):\n"
    "        raise NameError('the script has no function handle(data)')\n"
    "    answer = handle(json.load(sys.stdin))\n"
    "    if inspect.isawaitable(answer):\n"
    "        import asyncio\n"
    "        async def wait(): return await answer\n"
    "        answer = asyncio.run(wait())\n"
    "    return json.dumps({'answer': answer})\n"
    "try:\n"
    "    text = call()\n"
    "except BaseException as problem:\n"
    "    if not isinstance(problem, SystemExit): traceback.print_exc()\n"
    "    text = json.dumps({'raised': ''.join(traceback.format_exception_only(type(problem), problem)).strip()})\n"
    "with open('result.json', 'w') as file:\n"
    "    file.write(text)\n";

static const char node_caller[] =
    "const fs = require('fs');\n"
    "const finish = (result) => fs.writeFileSync('result.json', JSON.stringify(result));\n"
    "const fail = (problem) => {\n"
    "  console.error(problem && problem.stack || problem);\n"
    "  finish({ raised: String(problem) });\n"
    "  process.exit(1);\n"
    "};\n"
    "process.on('uncaughtException', fail);\n"
    "process.on('unhandledRejection', fail);\n"
    "(async () => {\n"
    "  const exported = require('./script.js');\n"
    "  const handle = typeof exported === 'function' ? exported : exported.handle || exported.default;\n"
    "  if (typeof handle !== 'function') throw new TypeError('the script sets no function as module.exports');\n"
    "  const answer = await handle(JSON.parse(fs.readFileSync(0, 'utf8')));\n"
    "  finish({ answer: answer === undefined ? null : answer });\n"
    "  process.exit(0);\n"
    "})().catch(fail);\n";

static const char php_caller[] =
    "<?php\n"
    "function finish_with($result) {\n"
    "    $text = json_encode($result, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION);\n"
    "    if ($text === false) $text = json_encode(['raised' => 'the answer is no JSON: ' . json_last_error_msg()]);\n"
    "    file_put_contents('result.json', $text);\n"
    "}\n"
    "try {\n"
    "    require './script.php';\n"
    "    if (!function_exists('handle')) throw new Error('the script has no function handle($data)');\n"
    "    $answer = handle(json_decode(file_get_contents('php://stdin'), true));\n"
    "    if ($answer === []) $answer = new stdClass();\n"
    "    finish_with(['answer' => $answer]);\n"
    "} catch (Throwable $problem) {\n"
    "    fwrite(STDERR, $problem . \"\\n\");\n"
    "    finish_with(['raised' => get_class($problem) . ': ' . $problem->getMessage()]);\n"
    "}\n";

static const char ruby_caller[] =
    "require 'json'\n"
    "begin\n"
    "  load './script.rb'\n"
    "  raise NameError, 'the script has no method handle(data)' unless respond_to?(:handle, true)\n"
    "  text = JSON.generate('answer' => handle(JSON.parse($stdin.read)))\n"
    "rescue Exception => problem\n"
    "  warn problem.full_message(highlight: false) unless problem.is_a?(SystemExit)\n"
    "  text = JSON.generate('raised' => \"#{problem.class}: #{problem.message}\")\n"
    "end\n"
    "File.write('result.json', text)\n";

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
     true},
    {"javascript",
     "JavaScript",
     "node",
     "script.js",
     "caller.js",
     node_caller,
     {"--check", "script.js", NULL},
     {"--max-old-space-size=512", "caller.js", NULL},
     false},
    {"php",
     "PHP",
     "php",
     "script.php",
     "caller.php",
     php_caller,
     {"-n", "-d", "display_errors=stderr", "-l", "script.php", NULL},
     {"-n", "-d", "display_errors=stderr", "caller.php", NULL},
     true},
    {"ruby",
     "Ruby",
     "ruby",
     "script.rb",
     "caller.rb",
     ruby_caller,
     {"--disable=gems", "-c", "script.rb", NULL},
     {"--disable=gems", "caller.rb", NULL},
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
