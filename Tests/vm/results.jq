# SPDX-License-Identifier: Apache-2.0
# Swift Testing's event stream (a JSON record a line, the last perhaps torn) as lines of: test, result, reason.
# Result: passed, failed, or impossible. A skip is one of these only where the test's trait says that the kernel's age
# makes it impossible there; any other skip is a failure, as is a test that did not come to its end.

def text: map(select(.symbol != "pass" and .symbol != "default") | .text) | join(" ");

[inputs | fromjson? | select(type == "object")]
| (map(select(.kind == "event") | .payload | select(.testID != null)) | group_by(.testID)
   | map({key: .[0].testID, value: .}) | from_entries) as $events
| .[] | select(.kind == "test" and .payload.kind == "function") | .payload
| ($events[.id] // []) as $all
| ($all | map(select(.kind == "issueRecorded" and (.issue.isKnown | not))
    | (._testCase.displayName // null) as $case | (.messages | text) + (if $case then " [" + $case + "]" else "" end))) as $issues
| ($all | map(select(.kind == "testSkipped")) | first) as $skip
| (.id | sub("^[^/]*/"; "") | sub("/[^/]*:[0-9]+:[0-9]+$"; "")) as $name
| (if $skip then
     ($skip.messages | text) as $why
     | if $why | test("not possible here: ")
       then ["impossible", ($why | capture("not possible here: (?<why>[^\"]*)").why)] else ["failed", "skipped: " + $why] end
   elif ($all | any(.kind == "testEnded") | not) then ["failed", "it did not come to its end"]
   elif ($issues | length) > 0 then ["failed", ($issues | join("; "))]
   elif ($all | map(select(.kind == "testEnded")) | first.messages | any(.symbol == "fail")) then ["failed", "failed"]
   else ["passed", ""] end) as [$result, $reason]
| [$name, $result, ($reason | gsub("[\\t\\n]"; " "))] | join("\t")
