"""Charts: whatever a label says, it is drawn as legal XML, and never ends the process."""

from xml.etree import ElementTree as ET

import altair as alt

from conformance.report.charts import static_svg


def test_a_label_that_is_no_xml_is_drawn_inert():
    text = "a\x00b\x1b[31m\u202ec<script>&\uffff"
    chart = alt.Chart({"values": [{"text": text}]}).mark_text().encode(text="text:N")
    drawn = static_svg(chart)
    shown = "".join(ET.fromstring(drawn).itertext())
    assert "a⟨NUL⟩b⟨ESC⟩[31m⟨U+202E⟩c<script>&\ufffd" in shown
