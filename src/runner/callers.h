/* What calls a script's handler, in its language, and what builds scripts: the Makefile makes callers.c of the files in
 * src/runner/callers. Each ends with NUL.
 *
 * A caller reads the handler's data on standard input and writes to the file `result`, with NUL between the parts,
 * either "answer", the answer in JSON, and the entries of its logs; or "raised", the script's line (0 where it isn't
 * known), and what was raised. What the script prints goes where it wants. */
#ifndef PW_CALLERS_H
#define PW_CALLERS_H

extern const char pw_caller_python[], pw_caller_javascript[], pw_caller_php[], pw_caller_ruby[], pw_caller_csharp[],
    pw_caller_go[], pw_caller_rust[];
extern const char pw_check_python[];
extern const char pw_build_dotnet[], pw_build_mono[], pw_build_go[], pw_build_rust[];

#endif
