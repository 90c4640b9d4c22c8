//! Sales out of ARTS POSLog files.

use super::*;

#[test]
fn poslog_sales_returns_voids_and_what_never_happened() {
    let text = format!(
        "<?xml version=\"1.0\"?><n:POSLog xmlns:n=\"http://www.nrf-arts.org/IXRetail/namespace/\">{}{}{}{}{}{}{}</n:POSLog>",
        transaction(
            1,
            "<LineItem VoidFlag=\"true\"><Sale><Quantity>9</Quantity></Sale></LineItem>\
            <LineItem><Return><POSIdentity><POSItemID>9520000039141</POSItemID></POSIdentity><Quantity>1</Quantity></Return></LineItem>\
            <LineItem><Sale><POSItemID>9520000039149</POSItemID><Quantity>0.42</Quantity><ExtendedAmount>1.05</ExtendedAmount></Sale></LineItem>\
            <LineItem><Tender TenderType=\"Cash\"><Amount>5.10</Amount></Tender></LineItem>"
        ),
        transaction(2, "").replace("<Transaction>", "<Transaction CancelFlag=\"true\">"),
        transaction(
            3,
            "<LineItem><Sale><POSItemID>not &amp; a &lt;code&gt;</POSItemID></Sale></LineItem>"
        ),
        transaction(4, "").replace("berlin-1", "rome-9"),
        "<Transaction><ControlTransaction/></Transaction>",
        "<Transaction><WorkstationID>POS3</WorkstationID><SequenceNumber>6</SequenceNumber><BusinessDayDate>2026-11-21</BusinessDayDate>\
         <EndDateTime>2026-11-21T14:09:00</EndDateTime><PostVoidTransaction><TransactionLink><SequenceNumber>1</SequenceNumber></TransactionLink></PostVoidTransaction></Transaction>",
        transaction(
            7,
            "<LineItem><Sale><POSItemID>Department</POSItemID><RegularSalesUnitPrice><![CDATA[3.00]]></RegularSalesUnitPrice></Sale></LineItem>"
        ),
    );
    let (found, counts) = pos(&text);
    insta::assert_snapshot!(told(&found));
    assert_eq!(
        counts.unwrap(),
        PoslogCounts {
            facts: 4,
            passed_over: 2,
            faults: 2
        }
    );
}

#[test]
fn poslog_files_that_cannot_be_read_to_the_end_keep_what_was_found() {
    let good = transaction(1, "");
    let bomb = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><POSLog>&b;</POSLog>";
    let deep = "<a>".repeat(100);
    let table = [
        (
            format!("<POSLog>{good}"),
            1,
            "the XML breaks off or is damaged",
        ),
        (
            format!("<POSLog>{good}<Transaction><Workst"),
            1,
            "the XML breaks off or is damaged",
        ),
        (
            format!("<POSLog>{good}</Wrong>"),
            1,
            "the XML breaks off or is damaged",
        ),
        (
            format!("<POSLog>{good}<Transaction>&secret;</Transaction></POSLog>"),
            1,
            "the XML breaks off or is damaged",
        ),
        (bomb.to_owned(), 0, "the file has a document type"),
        (deep, 0, "elements are nested deeper"),
        ("<html></html>".to_owned(), 0, "the file has no POSLog"),
        (String::new(), 0, "the file has no POSLog"),
    ];
    for (text, facts, want) in table {
        let (found, counts) = pos(&text);
        let error = counts.unwrap_err().to_string();
        assert!(error.starts_with(want), "{error}");
        assert_eq!(found.len(), facts, "{text}");
    }
    let latin = with_context(|it| poslog::read(b"<POSLog>\xE9</POSLog>", &it, &mut vec![]));
    assert_eq!(latin, Err(PoslogError::Encoding { at: 8 }));
}
