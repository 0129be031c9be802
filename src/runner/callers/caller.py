import json, sys
def finish(*parts):
    with open('result', 'w', encoding='utf-8', errors='replace', newline='') as file:
        file.write('\0'.join(parts))
# runpy, inspect and traceback would take as long again as all the rest: only what needs them loads them.
def load():
    script = type(sys)('script')
    script.__file__ = sys.argv[0] = 'script.py'
    sys.modules['script'] = script
    with open('script.py', 'rb') as file:
        exec(compile(file.read(), 'script.py', 'exec'), script.__dict__)
    return script.__dict__.get('handle')
def is_awaitable(answer):
    if hasattr(type(answer), '__await__'): return True
    code = getattr(answer, 'gi_code', None) # a generator that types.coroutine has marked
    return code is not None and bool(code.co_flags & 0x100)
def call():
    handle = load()
    if not callable(handle):
        raise NameError('the script has no function handle(data)')
    answer = handle(json.load(sys.stdin))
    if is_awaitable(answer):
        import asyncio
        async def wait(): return await answer
        answer = asyncio.run(wait())
    logs = answer.get('logs') if isinstance(answer, dict) else None
    logs = logs if isinstance(logs, (list, tuple)) else []
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in logs if entry is not None]
    finish('answer', json.dumps(answer), *lines)
# Where it was raised; what its functions held goes, so that there is memory to tell of memory that ended.
def line_of(problem):
    line, at = 0, problem.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == 'script.py': line = at.tb_lineno
        try: at.tb_frame.clear()
        except RuntimeError: pass
        at = at.tb_next
    return problem.lineno or 0 if isinstance(problem, SyntaxError) else line
try:
    call()
except BaseException as problem:
    line = line_of(problem)
    import traceback
    if not isinstance(problem, SystemExit): traceback.print_exc()
    text = ''.join(traceback.format_exception_only(type(problem), problem)).strip()
    finish('raised', str(line), text)
