"""What the instruction adds on a day on which the systems are unreliable, wording by wording."""

from __future__ import annotations

from conformance.authoring import Text

WARNINGS = (
    Text(
        "注意：今日系统不稳定。无应答的调用可能已执行，也可能未执行；被暂时拒绝（429）时按 "
        "Retry-After 用 wait 等待；应答可能被截断。带 cache_age_s 的应答是较早的状态，带 "
        "redelivery_of 的是另一次调用的应答（本次调用已执行）。任何作业不得重复预留，已有预留见 "
        "list_jobs 的 reserved。",
        "Note: the systems are unreliable today. A call without a reply may or may not have been "
        "carried out. Where a call is refused (429), wait as long as Retry-After says. Replies may "
        "be cut off; one marked cache_age_s shows an earlier state, one marked redelivery_of is "
        "the reply to another call (yours was carried out). No job may be reserved twice: what "
        "exists is under reserved in list_jobs.",
    ),
    Text(
        "还有，今天系统时好时坏：没回音的调用，可能成了也可能没成，先看一眼 list_jobs 里的 "
        "reserved，同一个作业千万别占两份。报 429 就照它给的秒数 wait 一下；有的应答只有半截，"
        "有的是旧数据（带 cache_age_s），还有的其实是别的调用的应答（带 "
        "redelivery_of，你那次照样执行了）。",
        "One more thing, the systems are shaky today. If a call doesn't answer it may have worked "
        "or not, so check reserved in list_jobs: nothing may be reserved twice. On a 429, wait as "
        "many seconds as it says. Some replies break off, some are old (they carry cache_age_s), "
        "and some belong to a different call (they say redelivery_of; yours was done all the "
        "same).",
    ),
    Text(
        "另需提请注意：今日系统运行不稳定，未获应答的调用可能已执行，亦可能未执行；遇 429 "
        "请按 Retry-After 使用 wait 等候；应答可能不完整，标有 cache_age_s "
        "者反映较早状态，标有 redelivery_of 者属于另一次调用，而本次调用已执行。"
        "任一作业均不得重复预留，请以 list_jobs 的 reserved 为准。",
        "I should add that the systems are unreliable today. Calls that receive no reply may or "
        "may not have been carried out; please consult reserved in list_jobs, as no job may be "
        "reserved twice. After a 429, wait for the time that Retry-After gives. Replies may be "
        "incomplete; cache_age_s marks an earlier state, and redelivery_of marks the reply to "
        "another call, your own having been carried out.",
    ),
    Text(
        "系统状态：今日不稳定\n"
        "· 无应答 = 可能已执行，也可能未执行；已有预留看 list_jobs 的 reserved，不得重复预留\n"
        "· 429：wait 满 Retry-After 再试\n"
        "· 应答可能截断；cache_age_s = 旧状态；redelivery_of = 另一次调用的应答，本次已执行",
        "System status: unstable today\n"
        "- no reply = carried out or not; reserved in list_jobs shows what exists; nothing may be "
        "reserved twice\n"
        "- 429: wait until Retry-After has passed\n"
        "- replies may be cut off; cache_age_s = an earlier state; redelivery_of = the reply to "
        "another call, this one was carried out",
    ),
)
