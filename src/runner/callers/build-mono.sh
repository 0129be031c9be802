# Builds script.cs; $1 is mcs.
exec "$1" -nologo -debug -warn:0 -main:PatchworksCaller -r:Microsoft.CSharp,System.Core -out:program.exe caller.cs script.cs
