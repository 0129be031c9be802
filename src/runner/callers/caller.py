import inspect, json, runpy, sys, traceback
def finish(*parts):
    with open('result', 'w', encoding='utf-8', errors='replace', newline='') as file:
        file.write('\0'.join(parts))
def call():
    handle = runpy.run_path('script.py', run_name='script').get('handle')
    if not callable(handle):
        raise NameError('the script has no function handle(data)')
    answer = handle(json.load(sys.stdin))
    if inspect.isawaitable(answer):
        import asyncio
        async def wait(): return await answer
        answer = asyncio.run(wait())
    logs = answer.get('logs') if isinstance(answer, dict) else None
    logs = logs if isinstance(logs, (list, tuple)) else []
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in logs if entry is not None]
    finish('answer', json.dumps(answer), *lines)
def line_of(problem):
    if isinstance(problem, SyntaxError): return problem.lineno or 0
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == 'script.py']
    return lines[-1] if lines else 0
try:
    call()
except BaseException as problem:
    if not isinstance(problem, SystemExit): traceback.print_exc()
    text = ''.join(traceback.format_exception_only(type(problem), problem)).strip()
    finish('raised', str(line_of(problem)), text)
