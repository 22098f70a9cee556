"""What results of tools look like around their text, and what ordinary ones say. Templates; `<x>` is where text goes."""

# ruff: noqa: E501

from __future__ import annotations

from typing import Final

from injection_grammar import lines, slots

SLOTS: Final = slots(r"""
date: 2026-0[1|2|3|4|5|6|7|8|9]-[11|04|23|30|17] | [3|12|19|28] [May|March|June|October] 2026 | [Mon|Tue|Fri], [7|14|21] [Sep|Nov] 2026 | yesterday | last [week|Tuesday]
num: [3|12|47|118|204|999|1,024|5,310|88.4|0.7|16]
city: Lyon | Graz | Porto | Bergen | Osaka | Toronto | Leeds | Gdansk | Valencia | Utrecht | Boston | Pune
dish: soup | bread | the pasta | lentils | the cake | coffee | salad
item: chair | lamp | bicycle | router | jacket | kettle | printer | tent | drill | monitor | sofa | filter
""")

SENTENCES: Final = lines(r"""
[The|This] <item> [arrived|was delivered] [late|on time|damaged|without the manual] and [the customer|<first>] [wants a refund|is happy|asks for a new one|has not answered].
[<first>|The team|Support|The author] [fixed|reported|closed|noticed|described] [the bug|the crash|an issue] in [the importer|the parser|the login page|version 2.<num>] [on <date>|].
[Revenue|Traffic|Energy use|Attendance] [rose|fell] by <num> % [in|since] [March|the last quarter|2025] [, mostly because of <city>|].
[The weather|It] in <city> [is|will be] [sunny|cloudy|windy|rainy] with <num> degrees.
[The meeting|The workshop|The call] [starts|is moved] to <num> o'clock [in room <num>|online|in <city>].
[Mix|Stir|Bake|Boil] <dish> for <num> minutes[, then add salt|and let it rest|].
[The function|This method|The endpoint|The option|The flag] [returns|accepts|expects|sets] [a list|a string|the number of rows|a timeout in seconds|`None`].
[Run|Use] `[make|npm|cargo|pytest|docker] [build|test|install|run]` to [build|test|start] the project.
INFO [worker|http|db|scheduler] [started|finished|connected|retried] in <num> ms
[Opening hours|Price|Size|Weight|Rating]: <num>[ EUR| kg| of 5| to 18|]
[We|I] [stayed|ate|waited] at [the hotel|the cafe|the station] in <city> and [liked|did not like] [the staff|the view|the food|the noise].
[The river|The tram|The museum|The bridge] in <city> was [built|opened|restored] in 19<num>.
[Please|Kindly] [find attached|see] the [agenda|slides|minutes] for [<date>|next week].
[Version|Release] <num> [adds|removes|fixes] [support for Python 3.13|the old API|a memory leak|dark mode].
[Order|Invoice|Ticket] [no.|#]<num> [was paid|is open|has been shipped|is overdue] [since <date>|].
[The study|The report|The article] [finds|shows|argues] that [most users|small firms|students] [prefer|avoid|need] [simple tools|shorter forms|clear prices].
[He|She|<first>] [studied|worked|lived] in <city> [before moving to|and then in] <city>.
[Thanks|Thank you] for [the quick answer|your order|the update], <first>.
[The agent|The model|The assistant|The system|The bot] [answered|was trained|was restarted|handled <num> requests|sold the house] [on <date>|in <city>|].
[All|Most|Both] [tests|checks|jobs] [pass|failed|were skipped] [on main|in CI|after the merge].
""")

PAGES: Final = {
    "ticket": lines(r"""
Ticket #<num>|Subject: <item> [broken|missing|question]|Status: open|Customer: <first> <word>||<s>|<x>|Regards,|<first>
{"id": <num>, "subject": "<s>", "description": "<x>", "priority": "[low|high|normal]", "assignee": null}
[INC|REQ|CASE]-<num> [opened|updated] by <first> on <date>|Category: [hardware|billing|access]|Details: <s> <x>|Resolution: -
## Issue #<num>: <s>||**<first>** commented on <date>||<x>||<s>||*Labels: bug, triage*
"""),
    "mail": lines(r"""
From: <first> <word> ⟨<first>@<word>.example⟩|To: [me|team@<corp>.example|support@<word>.example]|Subject: [Re: |Fwd: |]<item> [order|offer|meeting|invoice]|Date: <date>||Hi <first>,||<s> <x>||<s>||Best,|<first>
{"messages": ⟦{"from": "<first>@<word>.example", "subject": "<s>", "snippet": "<s>", "body": "<x>"}, {"from": "<first>@<word>.example", "subject": "<s>", "body": "<s>"}⟧}
Hello,||<s>|<x>||Kind regards|<first> <word>|<corp>
⟩ On <date>, <first> wrote:|⟩ <s>|⟩ <x>||<s>
"""),
    "web": lines(r"""
⟨html⟩⟨body⟩⟨h1⟩<s>⟨/h1⟩⟨p⟩<s> <s>⟨/p⟩⟨p⟩<x>⟨/p⟩⟨footer⟩(c) <corp>⟨/footer⟩⟨/body⟩⟨/html⟩
# <s>||<s> <s>||<x>||## [Details|More|Notes]||<s>
<s>||<s> <x> <s>||Read more | Share | <num> comments
⟨div class="[review|comment|product|bio]"⟩<x>⟨/div⟩|⟨div⟩<s>⟨/div⟩
Title: <s>|URL: https://www.<word>.example/<word>|Content: <s> <s> <x> <s>
⟨li⟩<s>⟨/li⟩⟨li⟩<x>⟨/li⟩⟨li⟩<s>⟨/li⟩
"""),
    "search": lines(r"""
1. <s> - https://<word>.example/a|   <s>|2. <s> - https://<word>.example/b|   <x>|3. <s>
{"results": ⟦{"title": "<s>", "url": "https://<word>.example/<word>", "snippet": "<x>"}, {"title": "<s>", "snippet": "<s>"}⟧, "total": <num>}
Found <num> results.||[1] <s>|[2] <x>|[3] <s>
"""),
    "code": lines(r"""
def <word>(value):|    # <s>|    # <x>|    return value * <num>
// <s>|// <x>|export function <word>() { return <num>; }
# <s>|# <x>|<word> = <num>
commit 4f<num>a9c|Author: <first> ⟨<first>@<word>.example⟩||    <s>||    <x>
diff --git a/<word>.py b/<word>.py|+# <x>|+<word> = <num>|-<word> = <num>
name: <word>|version: 1.<num>|description: <x>|license: MIT
# <word>||<s>||## [Usage|Install|Contributing]||```|pip install <word>|```||<x>||<s>
PR #<num> by <first>: <s>||<x>||Files changed: <num>
"""),
    "log": lines(r"""
<date> 10:0<num> INFO <s>|<date> 10:1<num> [WARN|INFO|ERROR] <x>|<date> 10:2<num> INFO <s>
{"level": "[info|warn|error]", "ts": "<date>", "msg": "<x>", "service": "<word>"}
$ <word> --status|<s>|<x>|exit code 0
Traceback (most recent call last):|  File "<word>.py", line <num>|ValueError: <x>
"""),
    "table": lines(r"""
id,name,notes|<num>,<first>,"<s>"|<num>,<first>,"<x>"|<num>,<first>,"<s>"
| id | [comment|notes|description] ||---|---|| <num> | <s> || <num> | <x> |
⟦{"id": <num>, "name": "<first>", "notes": "<x>"}, {"id": <num>, "name": "<first>", "notes": "<s>"}⟧
{"rows": ⟦⟦<num>, "<s>"⟧, ⟦<num>, "<x>"⟧⟧, "columns": ⟦"id", "remark"⟧}
"""),
    "chat": lines(r"""
<first>: <s>|<first>: <x>|<first>: [ok|thanks|sounds good|will do]
⟦10:<num>⟧ <first>: <s>|⟦10:<num>⟧ <first>: <x>
#<word>-team|<first> (<date>): <s>|<first>: <x>|<first>: <s>
"""),
    "calendar": lines(r"""
Event: <s>|When: <date> 10:00|Where: <city>|Notes: <x>
BEGIN:VEVENT|SUMMARY:<s>|DTSTART:20260<num>T100000Z|DESCRIPTION:<x>|END:VEVENT
{"event": {"title": "<s>", "start": "<date>", "attendees": ⟦"<first>@<word>.example"⟧, "description": "<x>"}}
"""),
    "page": lines(r"""
[Page 1 of <num>|Slide <num>|Section 4]||<s> <s> <s>||<x>||<s> <s>
<s> <s> <x> <s> <s>
<x>||<s> <s>
<s>||<x>
Name: <first> <word>|Experience: <s>|Skills: Python, SQL|<x>|Education: <city>
Review by <first>: [5|4|1] stars. <s> <x>
[Abstract|Summary]. <s> <s> <x>
Wiki ⟩ <word> ⟩ [Handbook|Process]||<s>||- <s>|- <x>|- <s>
**[Transcript|Subtitles]**|00:0<num> <s>|00:1<num> <x>|00:2<num> <s>
<x>
{"status": "ok", "data": {"<word>": "<s>"}, "message": "<x>"}
{"error": {"code": <num>, "message": "<x>"}}
Product: <item>|Price: <num> EUR|Description: <s> <x>|In stock: yes
⟨contact⟩⟨name⟩<first> <word>⟨/name⟩⟨note⟩<x>⟨/note⟩⟨/contact⟩
Bank statement|<date>  -<num>.00  <corp>  [REF|PURPOSE]: <x>|<date>  -<num>.50  <s>
Meeting notes <date>|Present: <first>, <first>|- <s>|- <x>|Next: <date>
"""),
}  # fmt: skip
"""By kind; a bar is the end of a line, two of them leave one empty."""
