"""What a script has next follows from the request alone, whatever the framework made of it."""

import pytest

from conformance.mock import Fail, Script, ToolStep, chat, messages, responses
from conformance.mock.conversation import SIDE, Tool, next_move, offered_as
from conformance.mock.faults import Faults
from conformance.mock.reply import reply_to
from conformance.mock.tokens import count, pieces

LOOK = Script((ToolStep("look", {"at": 1}), ToolStep("submit_answer")), "Done.", "look at A1")
TASK = {"role": "user", "content": "Please look  at\n\tA1, now."}
KIT = ("look", "submit_answer")


def functions(*names):
    return [{"type": "function", "function": {"name": name}} for name in names]


def chat_move(*said, tools=KIT, scripts=(LOOK,)):
    body = {"model": "m", "messages": list(said), "tools": functions(*tools)}
    return next_move(scripts, chat.read(body))


def call(name, number):
    function = {"name": name, "arguments": "{}"}
    calls = [{"id": f"c{number}", "type": "function", "function": function}]
    return (
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": f"c{number}", "content": "{}"},
    )


@pytest.mark.parametrize(
    ("offered", "wanted"),
    [
        (["look_around", "overlook", "look"], "look"),
        (["mcp__env__look", "mcp__env__look_up"], "mcp__env__look"),
        (["read", "env_look"], "env_look"),
        (["env-submit-answer", "env-look"], "env-look"),
        (["env.look"], "env.look"),
        (["Env_Look"], "Env_Look"),
        (["127_0_0_1_8000_e_ab12cd34_mcp_look"], "127_0_0_1_8000_e_ab12cd34_mcp_look"),
        (["env_over_look", "env_look"], "env_look"),
        (["look_env", "look_up_all_things"], "look_env"),
        (["look_1", "my_look"], "my_look"),
        (["overlook", "looks", "lookup"], None),
        ([], None),
    ],
)
def test_a_tool_is_found_under_a_frameworks_name(offered, wanted):
    found = offered_as("look", [Tool(name) for name in offered])
    assert (found and found.name) == wanted


def test_a_wanted_name_may_have_the_separators_of_the_framework():
    assert offered_as("submit_answer", [Tool("env-submit-answer")]) == Tool("env-submit-answer")


def test_steps_are_counted_by_the_results_that_came_back():
    assert chat_move(TASK).tool == Tool("look")
    assert chat_move(TASK).arguments == {"at": 1}
    one = call("look", 1)
    assert chat_move(TASK, one[0]).tool == Tool("look")  # no result yet: the same again
    assert chat_move(TASK, *one).tool == Tool("submit_answer")
    two = call("submit_answer", 2)
    assert chat_move(TASK, *one, *two).text == "Done."
    nudge = {"role": "user", "content": "Are you sure?"}
    assert chat_move(TASK, *one, *two, {"role": "assistant", "content": "Done."}, nudge).text == (
        "Done."
    )


def test_what_is_not_offered_is_told_with_what_is():
    move = chat_move(TASK, tools=("peek", "poke"))
    assert move.kind == "lost"
    assert move.step == 0
    assert "step 1 calls 'look'" in move.text
    assert move.text.endswith("Tools offered: peek, poke.")
    assert chat_move(TASK, tools=()).text.endswith("Tools offered: none.")


def test_deferred_tools_are_searched_for_first():
    move = chat_move(TASK, tools=("read_file", "tool_search"))
    assert (move.kind, move.tool, move.arguments) == (
        "search",
        Tool("tool_search"),
        {"query": "look"},
    )
    found = call("tool_search", 1)
    after = chat_move(TASK, *found, tools=("tool_search", "mcp__env__look"))
    assert (after.tool, after.step) == (Tool("mcp__env__look"), 0)
    # Found nothing: it is told, once, rather than searched for without an end.
    assert chat_move(TASK, *found, tools=("tool_search",)).kind == "lost"
    looked = call("mcp__env__look", 2)
    again = chat_move(TASK, *found, *looked, tools=("ToolSearch", "mcp__env__look"))
    assert (again.kind, again.tool, again.step) == ("search", Tool("ToolSearch"), 1)


def test_the_script_is_the_one_whose_instruction_the_user_gave():
    other = Script(closing="Other.", match="sweep the hall")
    longer = Script(closing="Longer.", match="look at A1, now")
    anything = Script(closing="Anything.")
    scripts = (anything, other, LOOK, longer)
    assert chat_move(TASK, scripts=scripts).script == 3
    assert chat_move({"role": "user", "content": "hello"}, scripts=scripts).script == 0
    assert chat_move({"role": "user", "content": "hello"}, scripts=(LOOK,)).text == SIDE
    in_prompt = {"role": "system", "content": "Task: look at A1"}
    go = {"role": "user", "content": "Go."}
    assert chat_move(in_prompt, go, scripts=scripts).script == 2
    assert chat_move(in_prompt, go, *call("look", 1), scripts=scripts).step == 1
    sweep = {"role": "user", "content": "sweep the hall"}
    assert chat_move(in_prompt, sweep, scripts=scripts).script == 1
    parts = [{"type": "text", "text": "first"}, {"type": "text", "text": "sweep\nthe hall"}]
    assert chat_move({"role": "user", "content": parts}, scripts=scripts).script == 1


def test_a_session_that_goes_on_with_the_next_task_begins_its_script():
    second = Script((ToolStep("sweep"),), "Swept.", "sweep")  # shorter than the first's
    scripts = (LOOK, second)
    kit = (*KIT, "sweep")
    first = (TASK, *call("look", 1), *call("submit_answer", 2))
    then = {"role": "user", "content": "Now sweep the hall."}
    assert chat_move(*first, then, scripts=scripts, tools=kit).tool == Tool("sweep")
    swept = chat_move(*first, then, *call("sweep", 3), scripts=scripts, tools=kit)
    assert swept.text == "Swept."
    # An agent that says its task again is not at its beginning again.
    again = chat_move(TASK, *call("look", 1), TASK, scripts=scripts, tools=kit)
    assert again.tool == Tool("submit_answer")


@pytest.mark.parametrize(
    "ask",
    [
        "Generate a title for this conversation:",
        "Summarize the conversation so far.",
        "为以下对话生成标题：",
        "请总结以上对话。",
    ],
)
def test_asking_for_a_title_is_no_step(ask):
    prompt = {"role": "system", "content": ask}
    assert chat_move(prompt, TASK, tools=()).kind == "side"
    assert chat_move(TASK, {"role": "user", "content": ask}, tools=()).kind == "side"
    assert chat_move(prompt, TASK).kind == "call"  # with tools, it is the work itself
    # The words may be the task's own.
    own = Script((ToolStep("look"),), match=f"{ask} look at A1")
    said = {"role": "user", "content": own.match}
    assert chat_move(said, tools=(), scripts=(own,)).kind == "lost"


def test_history_that_is_told_as_text_is_counted_too():
    """As smolagents has it; its last word is a tool."""
    kit = (*KIT, "final_answer")
    task = {"role": "user", "content": "New task:\nlook at A1"}
    asked = {"role": "assistant", "content": "Calling tools:\n[{'id': '1'}]"}
    seen = {"role": "user", "content": 'Observation:\n{"ok":true}'}
    failed = {"role": "user", "content": "Error:\nno such place\nNow let's retry: take care"}
    assert chat_move(task, tools=kit).step == 0
    assert chat_move(task, asked, seen, tools=kit).step == 1
    assert chat_move(task, asked, failed, tools=kit).step == 1
    end = chat_move(task, asked, seen, asked, seen, tools=kit)
    assert (end.kind, end.tool, end.arguments) == (
        "closing",
        Tool("final_answer"),
        {"answer": "Done."},
    )
    said = reply_to(chat.read({"model": "m", "messages": [task]}), end, "m")
    assert chat.whole(said)["choices"][0]["finish_reason"] == "tool_calls"


def test_a_final_answer_is_given_once():
    kit = (*KIT, "final_answer")
    done = (*call("look", 1), *call("submit_answer", 2))
    assert chat_move(TASK, *done, tools=kit).tool == Tool("final_answer")
    end = chat_move(TASK, *done, *call("final_answer", 3), tools=kit)
    assert (end.tool, end.text) == (None, "Done.")


RESPONSES_TASK = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "look at A1"}],
}
GROUP = {
    "type": "namespace",
    "name": "mcp__env__",
    "tools": [{"type": "function", "name": name} for name in KIT],
}
OTHERS = [
    {"type": "web_search"},
    {"type": "custom", "name": "apply_patch"},
    {"type": "function", "name": "shell"},
]


def responses_said(*items, tools=(GROUP,)):
    body = {"model": "m", "instructions": "x", "input": list(items), "tools": [*OTHERS, *tools]}
    return responses.read(body)


def test_tools_in_groups_are_called_by_their_group():
    said = responses_said(RESPONSES_TASK)
    move = next_move([LOOK], said)
    assert move.tool == Tool("look", "mcp__env__")
    item = responses.whole(reply_to(said, move, "m"))["output"][0]
    assert (item["type"], item["name"], item["namespace"]) == (
        "function_call",
        "look",
        "mcp__env__",
    )
    called = {"type": "function_call", "call_id": "1", "name": "look", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "1", "output": "{}"}
    after = next_move([LOOK], responses_said(RESPONSES_TASK, called, result))
    assert after.tool == Tool("submit_answer", "mcp__env__")
    lost = next_move([LOOK], responses_said(RESPONSES_TASK, tools=({**GROUP, "tools": []},)))
    assert lost.text.endswith("Tools offered: shell.")


def test_the_dialects_own_search_is_called_in_its_way():
    search = {"type": "tool_search", "execution": "client"}
    said = responses_said(RESPONSES_TASK, tools=(search,))
    move = next_move([LOOK], said)
    assert move.kind == "search"
    item = responses.whole(reply_to(said, move, "m"))["output"][0]
    assert (item["type"], item["execution"], item["arguments"]) == (
        "tool_search_call",
        "client",
        {"query": "look"},
    )
    asked = {"type": "tool_search_call", "call_id": "1", "arguments": {"query": "look"}}
    found = {"type": "tool_search_output", "call_id": "1", "tools": [GROUP]}
    after = next_move([LOOK], responses_said(RESPONSES_TASK, asked, found, tools=(search,)))
    assert (after.tool, after.step) == (Tool("look", "mcp__env__"), 0)


def test_results_stand_among_what_the_user_says_in_messages():
    tools = [{"name": f"mcp__env__{name}", "input_schema": {}} for name in KIT]
    hosted = {"type": "web_search_20250305", "name": "look"}
    use = {"type": "tool_use", "id": "1", "name": "mcp__env__look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "A"}]}
    reminder = {"type": "text", "text": "<system-reminder>Be good.</system-reminder>"}
    said = [
        {"role": "user", "content": [reminder, {"type": "text", "text": "look at A1"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Hm."}, use]},
        {"role": "user", "content": [result, reminder]},
    ]
    body = {"model": "m", "max_tokens": 9, "tools": [hosted, *tools]}
    first = next_move([LOOK], messages.read({**body, "messages": said[:1]}))
    assert first.tool == Tool("mcp__env__look")
    move = next_move([LOOK], messages.read({**body, "messages": said}))
    assert (move.tool, move.step) == (Tool("mcp__env__submit_answer"), 1)


def test_only_the_first_call_of_a_conversation_fails():
    def fails(*said, tools=KIT):
        read = chat.read({"model": "m", "messages": list(said), "tools": functions(*tools)})
        return faults.next(read, next_move([LOOK], read)) is not None

    faults = Faults(Fail())
    assert not fails({"role": "user", "content": "hello"})  # of no script
    assert fails(TASK, tools=("tool_search",))
    assert not fails(TASK, *call("tool_search", 1))  # step 0 still, but not the beginning
    assert not fails({"role": "system", "content": "It is 12:01"}, TASK)  # the retry
    assert fails(TASK)  # another conversation
    assert fails({"role": "user", "content": "look at A1 again"})


def test_tokens_are_whole_characters_of_at_most_four_bytes():
    text = "ab温度é🙂xyz12"
    assert "".join(pieces(text)) == text
    assert pieces(text) == ["ab", "温", "度", "é", "🙂", "xyz1", "2"]
    assert pieces("") == []
    assert count("abcdef", None, [1]) == 2 + 1


def test_an_argument_may_come_from_the_last_result():
    from conformance.mock.conversation import Conversation, Tool, Turn, next_move
    from conformance.mock.script import Script, ToolStep

    step = ToolStep("submit", {"values": {"code": {"$last": "code"}}, "list": [{"$last": "no"}]})
    script = Script((ToolStep("look"), step))

    def arguments(result):
        turns = (
            Turn("user", "Go."),
            Turn("assistant"),
            Turn("result", result),
        )
        said = Conversation(
            "m",
            turns,
            (Tool("look"), Tool("submit")),
            is_stream=False,
            input_tokens=1,
            cached_tokens=0,
            has_reasoning=False,
        )
        return next_move((script,), said).arguments

    assert arguments('{"code":"K7"}') == {"values": {"code": "K7"}, "list": [None]}
    assert arguments("no JSON")["values"] == {"code": None}
    assert arguments("[1]")["values"] == {"code": None}
