//! Beside another system's till: its receipts reach the printer byte for byte and become evidence,
//! over TCP and over serial lines; the printer says how it is and its drawer opens; the till's terminal
//! is overheard; and a customer display shows our own basket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]
#![allow(clippy::disallowed_methods, reason = "plays another till")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};
use shelf_codecs::escpos::{CodePage, PrintJob, StatusPart, request_status};
use shelf_sim::customer_display::CustomerDisplay;
use shelf_sim::line_server::LineServer;
use shelf_sim::receipt_printer;
use shelf_sim::scanner_pty::{Framing, PtyScanner};
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::patience::until_eq;
use shelf_tests::wares::{gtin13, price_minor};

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn daemon(tills: String) -> Daemon {
    let setup = Setup {
        pc: "PC 1".into(),
        more: tills,
        ..Setup::default()
    };
    Daemon::start(&setup).unwrap()
}

fn receipt(total: &str) -> Vec<u8> {
    PrintJob::new(CodePage::Cp437)
        .line("Brot              2,49")
        .image(48, 200)
        .line(&format!("SUMME EUR {total}"))
        .kick()
        .cut()
}

fn beside(daemon: &Daemon, till: &str) -> Value {
    daemon.get(&format!("/api/v1/tills/{till}/beside")).unwrap()
}

/// Amounts of the evidence that one till left, oldest first.
fn evidence(daemon: &Daemon, till: &str) -> Vec<i64> {
    let mut seen = daemon.documents_of("evidence").unwrap();
    seen.retain(|it| it["till"] == till);
    let amount = |it: &Value| it["tenders"][0]["amount"].as_i64().unwrap_or(0);
    seen.iter().map(amount).collect()
}

/// How long a printer may take to say how it is.
const ANSWER_WAIT: std::time::Duration = std::time::Duration::from_millis(500);

#[test]
fn receipts_go_through_untouched_and_become_evidence() {
    let dir = tempfile::tempdir().unwrap();
    let tcp = receipt_printer::on_tcp(0).unwrap();
    let (line, pos_line) = (dir.path().join("printer"), dir.path().join("pos"));
    let serial = receipt_printer::on_pty(&line).unwrap();
    let mut pos = PtyScanner::plug(&pos_line, Framing::default()).unwrap();
    let tee = free_address();
    let daemon = daemon(format!(
        "[[till]]\nname = \"net\"\nsales_source = \"api\"\nprinter = \"tcp:{}\"\n\
         printer_from = \"tcp:{tee}\"\n\
         [[till]]\nname = \"old\"\nsales_source = \"file\"\nprinter = \"path:{}\"\n\
         printer_from = \"path:{}\"\n",
        tcp.addr().unwrap(),
        line.display(),
        pos_line.display(),
    ));
    let job = receipt("12,34");
    let mut till = TcpStream::connect(tee).unwrap();
    till.write_all(&job).unwrap();
    // The till asks, and gets the printer's own answer.
    till.write_all(&request_status(StatusPart::Paper)).unwrap();
    let mut answer = [0; 1];
    till.read_exact(&mut answer).unwrap();
    assert_eq!(answer[0] & 0x93, 0x12, "{answer:02X?}");
    drop(till);
    // A line loses what comes before somebody opens it: a till asks before it prints.
    let ask = request_status(StatusPart::Paper);
    until_eq("the line's printer answers", &true, || {
        pos.send_raw(&ask, &[])?;
        Ok(!pos.host_wrote(1, ANSWER_WAIT)?.is_empty())
    })
    .unwrap();
    pos.send_raw(&job, &[]).unwrap();
    for (name, printer) in [("net", &tcp), ("old", &serial)] {
        until_eq(name, &vec![1234], || Ok(evidence(&daemon, name))).unwrap();
        let printer = printer.device();
        assert!(
            printer.bytes() >= job.len() as u64,
            "{name}: {} bytes",
            printer.bytes()
        );
        assert_eq!(
            (printer.receipts().len(), printer.drawer_opened()),
            (1, 1),
            "{name}"
        );
    }
    assert_eq!(beside(&daemon, "net")["printer"]["receipts"], 1);
    // A printer that is off stops nobody for good: the next receipt is printed when it is back.
    let answer = daemon
        .post(
            "/api/v1/tills/net/beside",
            &json!({ "do": "open_drawer", "confirm": "yes" }),
        )
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    until_eq("the drawer", &2, || Ok(tcp.device().drawer_opened())).unwrap();
    assert_eq!(daemon.documents_of("sale").unwrap().len(), 0);
}

#[test]
fn a_printer_says_how_it_is_while_nobody_prints() {
    let printer = receipt_printer::on_tcp(0).unwrap();
    printer.device().status.paper_near_end = true;
    let daemon = daemon(format!(
        "[[till]]\nname = \"till-1\"\nprinter = \"tcp:{}\"\n",
        printer.addr().unwrap()
    ));
    let known = || {
        let it = &beside(&daemon, "till-1")["printer"];
        Ok((
            it["known"] == true,
            it["paper_near_end"] == true,
            it["paper_end"] == true,
        ))
    };
    until_eq("the printer's state", &(true, true, false), known).unwrap();
}

#[test]
fn an_overheard_payment_is_evidence_once_and_the_display_shows_the_basket() {
    let quick = PaymentScript {
        thinks_ms: 0,
        ..PaymentScript::default()
    };
    let declined = PaymentScript {
        thinks_ms: 0,
        ..PaymentScript::declined()
    };
    let scripts = vec![quick, declined];
    let terminal = TerminalHandle::start(0, TerminalConfig::default(), scripts).unwrap();
    let display = LineServer::on_tcp(0, CustomerDisplay::default()).unwrap();
    let tap = free_address();
    let daemon = daemon(format!(
        "[[till]]\nname = \"ours\"\nterminal = \"zvt://{tap}\"\ndisplay = \"tcp:{}\"\n\
         [[till]]\nname = \"other\"\nsales_source = \"api\"\ntap_from = \"tcp:{tap}\"\n\
         tap_terminal = \"tcp:{}\"\n",
        display.addr().unwrap(),
        terminal.addr(),
    ));
    daemon.stock_up(3, 100).unwrap();
    daemon.act("ours", "scan", &[("code", &gtin13(1))]).unwrap();
    let shows = || {
        let it = display.device();
        Ok(it.shows().0.starts_with("Ware 1") && !it.shows().1.is_empty() && it.unknown() == 0)
    };
    until_eq("the display", &true, shows).unwrap();
    daemon.act("ours", "pay_card", &[]).unwrap();
    until_eq("the payment", &vec![price_minor(1)], || {
        Ok(evidence(&daemon, "other"))
    })
    .unwrap();
    let sold = |it: &Value| it["basket"].is_null() && it["terminal"]["busy"] == false;
    daemon.till_until("ours", "the sale", sold).unwrap();
    daemon.act("ours", "scan", &[("code", &gtin13(2))]).unwrap();
    daemon.act("ours", "pay_card", &[]).unwrap();
    let without = || Ok(beside(&daemon, "other")["tap"]["without_payment"] == 1);
    until_eq("the declined payment", &true, without).unwrap();
    assert_eq!(evidence(&daemon, "other").len(), 1);
    assert_eq!(terminal.acknowledged().len(), 1);
}
