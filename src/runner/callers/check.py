import sys
try:
    compile(open('script.py', 'rb').read(), 'script.py', 'exec')
except (SyntaxError, ValueError) as problem:
    import traceback
    sys.exit(''.join(traceback.format_exception_only(type(problem), problem)))
