<?php
const PATCHWORKS_JSON = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION;
function finish_with(...$parts) { file_put_contents('result', implode("\0", $parts)); }
function line_of($problem) {
    $places = [['file' => $problem->getFile(), 'line' => $problem->getLine()], ...$problem->getTrace()];
    foreach ($places as $place) if (basename($place['file'] ?? '') === 'script.php') return $place['line'];
    return 0;
}
try {
    require './script.php';
    if (!function_exists('handle')) throw new Error('the script has no function handle($data)');
    $answer = handle(json_decode(file_get_contents('php://stdin'), true));
    if ($answer === []) $answer = new stdClass();
    $text = json_encode($answer, PATCHWORKS_JSON);
    if ($text === false) throw new Error('the answer is no JSON: ' . json_last_error_msg());
    $logs = ((array) $answer)['logs'] ?? [];
    $lines = [];
    foreach (is_array($logs) ? $logs : [] as $entry) {
        if ($entry !== null) $lines[] = is_string($entry) ? $entry : json_encode($entry, PATCHWORKS_JSON);
    }
    finish_with('answer', $text, ...$lines);
} catch (Throwable $problem) {
    fwrite(STDERR, $problem . "\n");
    finish_with('raised', (string) line_of($problem), get_class($problem) . ': ' . $problem->getMessage());
}
