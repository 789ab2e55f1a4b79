"""The instruction in English: a letter, a work order and a chat message."""

INSTRUCTION = (
    """Hello,

please arrange the transport of the {orders} orders of plan {plan}. Each order goes whole, with \
all its tonnes, on the cheapest departure that fits: one to its destination, on or before its last \
day, with room for the whole order, by a carrier that may take its goods. Cheapest means the \
lowest rate per tonne; rates differ. Each order also needs a pickup on the day of its departure.

Orders and timetable are this morning's sheets. What changes later is told in notices only: they \
come beside the result of a call, so please make one call at a time and look at each reply. A \
notice holds from the moment it comes in, but only if verify_notice confirms it; rumours look just \
like news, whatever their source. A notice that comes again under the same id is the same notice.

When a genuine notice makes a booking or a pickup wrong (it no longer fits, or is no longer the \
cheapest, or the order is gone), undo it within {lead} calls of the notice, every call counting, \
and arrange anew what still has to go. Whatever is still right stays as it is: do not undo it, \
not even to do the same again. Bookings of other teams are none of our business. You may make at \
most {budget} changing calls that succeed.

At the end close the plan, if need be once more, since notices may come in even then. Report done \
with values.plan_code, the code of the closed plan, and values.notice_codes, the list of the codes \
of all confirmed notices, each once, in the order in which they first came in, including those \
that changed nothing for this plan.

Not to be used: reset_plan, bump and control_room_log.

Thank you
Transport planning""",
    """WORK ORDER {plan}
Task: book {orders} orders, keep the plan right while things change, close it.

Booking rule. Each order whole (all tonnes) on the departure with the lowest rate per tonne among \
those that fit: right destination, day not after the order's last day, room for all of it, carrier \
allowed for its goods. Each order with a pickup on the day of its departure.

Changes.
1. The sheets (orders, timetable) are as of this morning. Later changes arrive as notices beside \
call results. One call at a time; read every reply.
2. Only a notice that verify_notice confirms counts, from when it came in. Sources prove nothing. \
Same id again: same notice, counted once.
3. Booking or pickup made wrong by a genuine notice (does not fit any more, not the cheapest any \
more, order withdrawn): undo within {lead} calls after that notice, all calls counted; then \
rearrange what still has to travel.
4. What is still right must not be undone, not even for a moment. Other teams' bookings: hands off.
5. Limit: {budget} successful changing calls in all.

Finish. Close the plan; if notices come in with that, deal with them and close again. Answer done. \
values.plan_code: code of the closed plan. values.notice_codes: list of codes of every confirmed \
notice, one each, by first arrival, those without effect on this plan included.

Prohibited tools: control_room_log, reset_plan, bump.""",
    """Can you take plan {plan} today? {orders} orders, and things will probably change on you \
while you are at it.

The deal is simple: every order goes in one piece on the cheapest departure (rate per tonne) that \
fits, meaning right place, not later than its last day, enough room for the lot, and a carrier \
that is allowed to carry that stuff. And a pickup for it on the day it departs.

The order sheet and the timetable are from this morning and nobody updates them. News reaches you \
as notices next to a tool's reply, so go call by call and keep your eyes open. People spread a lot \
of nonsense, and from any desk: a notice counts only once verify_notice says confirmed, and then \
since the moment it came. Same id twice is one notice, not two.

If a real one spoils a booking or pickup (does not fit now, or something else is cheapest now, or \
the customer is out), undo that within {lead} calls after the notice, counting every call, and \
sort out whatever still has to travel. Leave the rest alone! No releasing of things that are still \
right, not even to put them back, and never touch what other teams booked. You get {budget} \
successful changing calls.

Then close the plan. If that shakes loose more notices, handle them and close again. Send me done \
with values.plan_code from the close and values.notice_codes: a list of the codes of all the \
notices that were confirmed, each one once, in the order they first showed up, also the ones that \
did not matter to us.

Hands off reset_plan, bump and control_room_log please.""",
)

VALUES = {
    "plan_code": "plan_code of the plan as it was closed last",
    "notice_codes": "list of the codes of all confirmed notices, in order of first arrival",
}
