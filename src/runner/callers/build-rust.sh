# Builds script.rs as a module of caller.rs; $1 is rustc.
if ! grep -Eq '(^|[^[:alnum:]_])fn +handle *[(<]' script.rs; then
  echo "the script has no function handle(data)" >&2
  exit 1
fi
{
  cat script.rs
  printf '\npub fn patchworks_call(data: crate::Value) -> Result<crate::Value, String> { crate::Answer::answer(handle(data)) }\n'
} >whole
mv -f whole script.rs
"$1" --edition 2021 -A warnings --error-format short -C strip=symbols -o program caller.rs 2>errors || {
  sed '/^error: aborting due to/d' errors >&2
  exit 1
}
