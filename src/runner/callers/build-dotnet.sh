# Builds script.cs with the compiler of an SDK, without a project; $1 is dotnet, $2 the version that is asked for.
export DOTNET_EnableWriteXorExecute=0 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
sdk=$("$1" --list-sdks | grep "^$2" | tail -n 1)
[ -n "$sdk" ] || { echo "dotnet has no SDK $2: it has the runtime alone?" >&2 && exit 1; }
number=${sdk%% *} place=${sdk#* [}
major=${number%.*}
major=${major%.*}
runtime=$("$1" --list-runtimes | grep "^Microsoft.NETCore.App $major\." | tail -n 1)
version=${runtime#* } folder=${runtime#* [}
version=${version%% *}
set -- "$1" "${place%]}/$number/Roslyn/bincore/csc.dll"
for each in "${folder%]}/$version"/*.dll; do set -- "$@" "-r:$each"; done
cat >program.runtimeconfig.json <<END
{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "$version"}}}
END
exec "$@" -nologo -debug:embedded -warn:0 -main:PatchworksCaller -out:program.dll caller.cs script.cs
