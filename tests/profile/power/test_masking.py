from hypothesis import given
from hypothesis import strategies as st

from conformance.profile.power.masking import Mask

UUID = "399282a8-ba01-1475-893c-2eeca9e302f5"


def test_a_uuid_is_hidden_in_every_text_by_the_same_mask():
    mask = Mask([f"GPU-{UUID}", "other"])
    assert mask.hide(f"| GPU-{UUID} | and {UUID}") == (
        "| GPU-00000000-0000-0000-0000-000000000001 | and 00000000-0000-0000-0000-000000000001"
    )


def test_a_serial_number_is_hidden_wherever_it_stands():
    texts = ['"Serial Number": "MY10YL225BF06077"', "| 0 | MY10YL225BF06077 | 93W |"]
    mask = Mask(texts)
    assert [mask.hide(text) for text in texts] == [
        '"Serial Number": "0000000000000001"',
        "| 0 | 0000000000000001 | 93W |",
    ]


def test_labels_of_several_tools_are_known():
    for text in (
        "\tSerial Number                  : 102415083974",
        "    SN                             : 102415083974",
        '"Unique ID": "102415083974"',
        "GPU UUID : 102415083974",
        "Board ID=102415083974",
    ):
        assert "102415083974" not in Mask([text]).hide(text), text


def test_two_values_get_two_masks_and_keep_their_length():
    text = "Serial Number : AB-1234\nSerial Number : AB-12345\n"
    hidden = Mask([text]).hide(text)
    assert hidden == "Serial Number : 00-0001\nSerial Number : 00-00002\n"


def test_what_names_no_device_stays():
    text = (
        "NPU ID : 0\nChip ID : 0\nSerial Number : N/A\nBus-Id | 0000:C1:00.0\n"
        "| MX-SMI 2.2.8  Kernel Mode Driver Version: 3.0.11 |\n| 37C     29W / 225W |\n"
    )
    mask = Mask([text])
    assert len(mask) == 0
    assert mask.hide(text) == text


@given(st.text(max_size=60))
def test_hiding_keeps_the_length_of_every_line(text):
    around = f"Serial Number : A1B2C3\n{text}\nA1B2C3"
    hidden = Mask([around]).hide(around)
    assert [len(line) for line in hidden.splitlines()] == [
        len(line) for line in around.splitlines()
    ]
    assert "A1B2C3" not in hidden
