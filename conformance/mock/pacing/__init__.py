"""The paced endpoint: a load target that writes each piece of an answer at its time.

Not asyncio, and no framework: one thread, so that nothing but the system stands between what is due
and what is written.
"""
