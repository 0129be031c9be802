#include "languages.h"

#include <stddef.h>
#include <string.h>

#include "callers.h"

static const pw_tool python[] = {{.program = "python3",
                                  .places = {"python%s"},
                                  .version = "--version",
                                  .check = {"-I", "-S", "-c", pw_check_python},
                                  .invoke = {"-I", "caller.py"}},
                                 {0}};

static const pw_tool node[] = {{.program = "node",
                                .places = {"node%s", "/usr/lib/nodejs%s/bin/node"},
                                .version = "--version",
                                .check = {"--check", "script.js"},
                                .invoke = {"--max-old-space-size=512", "caller.js"}},
                               {0}};

static const pw_tool php[] = {{.program = "php",
                               .places = {"php%s"},
                               .version = "--version",
                               .check = {"-n", "-d", "display_errors=stderr", "-l", "script.php"},
                               .invoke = {"-n", "-d", "display_errors=stderr", "caller.php"}},
                              {0}};

static const pw_tool ruby[] = {{.program = "ruby",
                                .places = {"ruby%s"},
                                .version = "--version",
                                .check = {"--disable=gems", "-c", "script.rb"},
                                .invoke = {"--disable=gems", "caller.rb"}},
                               {0}};

static const pw_tool csharp[] = {{.program = "dotnet",
                                  .version = "--list-sdks",
                                  .build = pw_build_dotnet,
                                  .run = "export DOTNET_EnableWriteXorExecute=0 DOTNET_GCHeapHardLimit=0x18000000\n"
                                         "exec \"$1\" program.dll",
                                  .products = {"program.dll", "program.runtimeconfig.json"}},
                                 {.program = "mcs",
                                  .version = "--version",
                                  .build = pw_build_mono,
                                  .run = "exec \"${1%mcs}mono\" --debug=mdb-optimizations program.exe",
                                  .products = {"program.exe", "program.exe.mdb"}},
                                 {0}};

static const pw_tool go[] = {{.program = "go",
                              .places = {"go%s", "/usr/lib/go-%s/bin/go", "/usr/local/go%s/bin/go"},
                              .version = "version",
                              .build = pw_build_go,
                              .run = "exec ./program",
                              .products = {"program"}},
                             {0}};

static const pw_tool rust[] = {{.program = "rustc",
                                .places = {"rustc-%s", "/usr/lib/rust-%s/bin/rustc"},
                                .version = "--version",
                                .build = pw_build_rust,
                                .run = "exec ./program",
                                .products = {"program"}},
                               {0}};

static const pw_language languages[] = {
    {"python", NULL, "Python", "python3", "script.py", "caller.py", pw_caller_python, python, true},
    {"javascript", "node", "JavaScript", "node", "script.js", "caller.js", pw_caller_javascript, node, false},
    {"php", NULL, "PHP", "php", "script.php", "caller.php", pw_caller_php, php, true},
    {"ruby", NULL, "Ruby", "ruby", "script.rb", "caller.rb", pw_caller_ruby, ruby, true},
    {"csharp", NULL, "C#", "dotnet (or mcs and mono)", "script.cs", "caller.cs", pw_caller_csharp, csharp, false},
    {"go", NULL, "Go", "go", "script.go", "caller.go", pw_caller_go, go, false},
    {"rust", NULL, "Rust", "rustc", "script.rs", "caller.rs", pw_caller_rust, rust, false},
};

enum { COUNT = sizeof languages / sizeof *languages };

const pw_language *pw_language_at(int index) { return index < COUNT ? &languages[index] : NULL; }

/* What stands behind `name` in `given`: "" or a version; NULL when it is another name. */
static const char *version_in(const char *given, const char *name) {
  size_t size = name != NULL ? strlen(name) : 0;
  if (size == 0 || strncmp(given, name, size) != 0) return NULL;
  const char *rest = given + size;
  size_t length = strlen(rest);
  if (length == 0) return rest;
  bool good = length < PW_VERSION && strspn(rest, "0123456789.") == length && *rest != '.' && rest[length - 1] != '.';
  return good ? rest : NULL;
}

const pw_language *pw_language_find(const char *name, char version[PW_VERSION]) {
  for (int i = 0; i < COUNT; i++) {
    const char *found = version_in(name, languages[i].name);
    if (found == NULL) found = version_in(name, languages[i].other_name);
    if (found == NULL) continue;
    strcpy(version, found);
    return &languages[i];
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
