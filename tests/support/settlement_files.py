"""Settlement files for tests of reconciliation: CSV as providers write it, and XLSX made by hand, part by part."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

HEADING = ("Merchant Ref", "Bank Ref", "UTR", "Amount", "Charge", "GST", "State")
MAPPING = b"""{"columns": {"reference": "Merchant Ref", "providerReference": "Bank Ref", "utr": "UTR",
    "amount": "Amount", "fee": "Charge", "tax": "GST", "status": "State"},
    "statuses": {"Settled": "SUCCESS", "Failed": "FAILED", "Returned": "REVERSED"}}"""
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def row(
    reference: str = "",
    *,
    provider: str = "",
    utr: str = "",
    amount: str = "1000.00",
    fee: str = "0.50",
    tax: str = "0.09",
    state: str = "Settled",
) -> tuple[str, ...]:
    """Return a line of a payment of 1,000 rupees by the first channel, which keeps 50 paise and 9 of tax."""
    return (reference, provider, utr, amount, fee, tax, state)


def write_csv(path: Path, *rows: Sequence[str], heading: Sequence[str] = HEADING) -> Path:
    """Write a CSV with its heading; its rows begin at line 2."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows((heading, *rows))
    return path


def write_xlsx(path: Path, sheet: str, *, shared: str = "", target: str = "worksheets/sheet1.xml") -> Path:
    """Write an XLSX of one sheet, named Data, from the XML of its rows and of its shared texts."""
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
        '<sheet name="Data" sheetId="1" r:id="rId7"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="x"><Relationship Id="rId7" Target="{target}"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    if shared:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{shared}</sst>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def inline_rows(*rows: Sequence[str]) -> str:
    """Return the XML of rows whose cells are inline texts."""
    cells = ["".join(f'<c t="inlineStr"><is><t>{escape(each)}</t></is></c>' for each in cells) for cells in rows]
    return "".join(f"<row>{each}</row>" for each in cells)
