//! A thousand payments over every way that card data can come in, a third of them unmasked: from ZVT
//! terminals over TCP and serial lines (fields 22, 23, 24 and print lines), from an ECR17 terminal,
//! past a tap, on another till's receipts, and from cards swiped into a scanner's line and into fields of
//! the pages. Afterwards nothing that the daemon left behind, showed, journalled or sent to its hub holds a
//! piece of a number, and in each kind of place the search finds a control.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test panics"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "plays a till that prints, and writes the control"
)]

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;

use serde_json::json;
use shelf_codecs::escpos::{CodePage, PrintJob};
use shelf_sim::ecr17_terminal::{Ecr17Config, Ecr17Handle, Ecr17Script};
use shelf_sim::line_server::LineServer;
use shelf_sim::receipt_printer::{self, ReceiptPrinter};
use shelf_sim::scanner_pty::PtyScanner;
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::hub::Hub;
use shelf_tests::listener::{Heard, Listener, publish};
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, until, within_eq};
use shelf_tests::wares::gtin13;
use shelf_tests::{card, http, programs};
use shelf_wire::frame::unpack;
use shelf_wire::message::Message;

/// Test numbers of card schemes; their check digits fit.
const CARDS: [&str; 2] = ["4111111111111111", "5555555555554444"];
/// How many payments come in by each way.
const BY_WAY: [(&str, u64); 4] = [
    ("tcp", 300),
    ("serial", 200),
    ("italian", 200),
    ("tapped", 150),
];
const RECEIPTS: u64 = 150;
const SWIPES: usize = 30;
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(240);

/// Every third is not masked.
fn number(n: u64) -> Option<String> {
    let which = usize::from(n.is_multiple_of(2));
    n.is_multiple_of(3).then(|| CARDS[which].to_owned())
}

fn scripts(count: u64) -> Vec<PaymentScript> {
    let script = |n| PaymentScript {
        thinks_ms: 0,
        unmasked_pan: number(n),
        ..PaymentScript::default()
    };
    (0..count).map(script).collect()
}

fn italian_scripts(count: u64) -> Vec<Ecr17Script> {
    let script = |n| Ecr17Script {
        thinks_ms: 0,
        unmasked_pan: number(n),
        ..Ecr17Script::default()
    };
    (0..count).map(script).collect()
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Sells by card so often at one till.
fn pay(daemon: &Daemon, till: &str, times: u64) {
    for n in 0..times {
        daemon.act(till, "scan", &[("code", &gtin13(1))]).unwrap();
        daemon.act(till, "pay_card", &[]).unwrap();
        until(&format!("{till}: payment {n}"), PATIENCE, || {
            let view = daemon.till(till)?;
            Ok(
                match view["basket"].is_null() && view["terminal"]["busy"] == false {
                    true => Look::Done(()),
                    false => Look::NotYet(view.to_string()),
                },
            )
        })
        .unwrap();
    }
}

/// Another till prints a receipt.
fn print(tee: SocketAddr, n: u64) {
    let mut job = PrintJob::new(CodePage::Cp437).line("Brot              2,49");
    if let Some(number) = number(n) {
        job = job.line(&format!("Karte {number}"));
        job = job.line(&format!(
            "KARTE {} {} {} {}",
            &number[..4],
            &number[4..8],
            &number[8..12],
            &number[12..]
        ));
        job = job.qr(&number);
    }
    let bytes = job
        .line(&format!("SUMME EUR {},{:02}", n / 100, n % 100))
        .kick()
        .cut();
    let mut printer = TcpStream::connect(tee).unwrap();
    printer.write_all(&bytes).unwrap();
}

/// The daemon with everything that is plugged into it.
struct Shop {
    broker: Broker,
    ear: Listener,
    hub: Hub,
    daemon: Daemon,
    scanner: PtyScanner,
    printer: LineServer<ReceiptPrinter>,
    tee: SocketAddr,
    _terminals: ([TerminalHandle; 3], Ecr17Handle),
    _dir: tempfile::TempDir,
}

fn shop() -> Shop {
    let dir = tempfile::tempdir().unwrap();
    let zvt = |way: usize| {
        TerminalHandle::start(0, TerminalConfig::default(), scripts(BY_WAY[way].1)).unwrap()
    };
    let line = dir.path().join("serial");
    let serial = scripts(BY_WAY[1].1);
    let serial = TerminalHandle::on_pty(&line, TerminalConfig::default(), serial).unwrap();
    let config = Ecr17Config::new(12_345_678).unwrap();
    let italian = Ecr17Handle::on_tcp(0, config, italian_scripts(BY_WAY[2].1)).unwrap();
    let (tcp, tapped) = (zvt(0), zvt(3));
    let printer = receipt_printer::on_tcp(0).unwrap();
    let (tap, tee) = (free_address(), free_address());
    let more = format!(
        "[[till]]\nname = \"tcp\"\nterminal = \"zvt://{}\"\nterminal_prints = false\n\
         [[till]]\nname = \"serial\"\nterminal = \"zvt+serial:path:{}\"\nterminal_prints = false\n\
         [[till]]\nname = \"italian\"\nterminal = \"ecr17://{}\"\nterminal_id = 12345678\n\
         [[till]]\nname = \"tapped\"\nterminal = \"zvt://{tap}\"\nterminal_prints = false\n\
         [[till]]\nname = \"other-pos\"\nsales_source = \"api\"\ntap_from = \"tcp:{tap}\"\n\
         tap_terminal = \"tcp:{}\"\nprinter = \"tcp:{}\"\nprinter_from = \"tcp:{tee}\"\n",
        tcp.addr(),
        line.display(),
        italian.addr(),
        tapped.addr(),
        printer.addr().unwrap(),
    );
    let broker = Broker::start().unwrap();
    let ear = Listener::at(broker.port()).unwrap();
    let hub = Hub::start(broker.port()).unwrap();
    let setup = Setup {
        pc: "PC 1".into(),
        broker: Some(broker.port()),
        hub: Some(hub.http()),
        scanners: vec![("scanner".into(), "till:tcp".into())],
        more,
        ..Setup::default()
    };
    let mut daemon = Daemon::prepare(&setup).unwrap();
    let scanner = daemon.plug("scanner").unwrap();
    daemon.restart().unwrap();
    daemon.stock_up(3, 5_000).unwrap();
    Shop {
        broker,
        ear,
        hub,
        daemon,
        scanner,
        printer,
        tee,
        _terminals: ([tcp, serial, tapped], italian),
        _dir: dir,
    }
}

#[test]
fn no_card_number_survives_a_thousand_payments() {
    let mut shop = shop();
    let (daemon, printer, tee) = (&shop.daemon, &shop.printer, shop.tee);
    let scanner = &mut shop.scanner;
    for n in 0..SWIPES {
        let number = CARDS[n % 2];
        scanner
            .scan(&format!(
                "%B{number}^DOE/JANE^29121010000000?;{number}=29121010000?"
            ))
            .unwrap();
        scanner.scan(number).unwrap();
    }
    swipe_into_fields(daemon);
    std::thread::scope(|scope| {
        for (till, times) in BY_WAY {
            scope.spawn(move || pay(daemon, till, times));
        }
        scope.spawn(|| {
            for n in 0..RECEIPTS {
                print(tee, n);
                let printed = || Ok(printer.device().receipts().len() as u64);
                within_eq("the receipt is printed", PATIENCE, &(n + 1), printed).unwrap();
            }
        });
    });
    let payments: u64 = BY_WAY.iter().map(|it| it.1).sum();
    assert_eq!(payments + RECEIPTS, 1_000);
    let beside = || daemon.get("/api/v1/tills/other-pos/beside");
    let evidence = || Ok(beside()?["tap"]["payments"].as_u64().unwrap_or(0));
    within_eq("what the tap heard", PATIENCE, &BY_WAY[3].1, evidence).unwrap();
    let receipts = || Ok(beside()?["printer"]["receipts"].as_u64().unwrap_or(0));
    within_eq("what the tee read", PATIENCE, &RECEIPTS, receipts).unwrap();
    let sales = daemon.documents_of("sale").unwrap().len() as u64;
    assert_eq!(sales, payments);
    let seen = daemon.documents_of("evidence").unwrap().len() as u64;
    assert_eq!(seen, BY_WAY[3].1 + RECEIPTS);
    // The control: the numbers did come in.
    let printed: usize = printer
        .device()
        .receipts()
        .iter()
        .map(|it| it.lines.len())
        .sum();
    println!("{sales} sales, {seen} pieces of evidence, {printed} lines printed");
    // Two lines each, and two more on every third.
    assert_eq!(printed as u64, 2 * RECEIPTS + 2 * RECEIPTS / 3);
    let known = || Ok(shop.hub.documents()?.len());
    within_eq(
        "the hub has all",
        PATIENCE,
        &daemon.documents().unwrap().len(),
        known,
    )
    .unwrap();
    nothing_was_sent(&shop);
    nothing_is_journalled(&shop.daemon);
    nothing_is_left(&mut shop.daemon);
    for number in CARDS {
        assert_eq!(card::found_in(shop.hub.dir(), number).unwrap(), []);
    }
}

/// What a scanner that types does with a card: its digits go into whatever field has the focus.
fn swipe_into_fields(daemon: &Daemon) {
    for number in CARDS {
        let track = format!(";{number}=29121010000?");
        for swiped in [number, track.as_str()] {
            for fields in [
                json!({ "do": "scan", "code": swiped }),
                json!({ "do": "pick", "item": swiped }),
                json!({ "do": "quantity", "quantity": swiped }),
                json!({ "do": "open", "price": "1.00", "label": swiped }),
                json!({ "do": "price", "price": "1.00", "reason": swiped }),
                json!({ "do": "settle", "outcome": "paid", "slip": swiped, "intent": swiped }),
                json!({ "do": "resume", "basket": swiped }),
            ] {
                // Most of it is refused; what matters is what is left of it.
                let answer = daemon.post("/api/v1/tills/tcp", &fields).unwrap();
                let text = answer.text();
                assert!(answer.status < 500, "{fields}: {text}");
                assert_eq!(card::pieces(text.as_bytes(), number), 0, "{fields}: {text}");
            }
            let search = format!("/?q={}", swiped.replace(['=', ';', '?'], "+"));
            http::get(daemon.http(), &search).unwrap();
        }
    }
    // What such a swipe left in a row's name is sold with the next payment.
    let view = daemon.till("tcp").unwrap();
    assert!(
        view["basket"]["lines"]
            .as_array()
            .is_some_and(|it| !it.is_empty())
    );
}

/// What the broker passed on, as it was or unpacked, that holds a piece of a number.
fn heard_with_pieces(heard: &[Heard]) -> Vec<String> {
    let texts = |it: &Heard| {
        let (bodies, told) = match unpack(&it.payload).ok() {
            Some(Message::LogBatch(batch)) => (batch.bodies, String::new()),
            other => (Vec::new(), format!("{other:?}")),
        };
        let told = format!("{} {told}", it.topic).into_bytes();
        bodies.into_iter().chain([told, it.payload.clone()])
    };
    let all: Vec<Vec<u8>> = heard.iter().flat_map(texts).collect();
    let held = |it: &&Vec<u8>| CARDS.iter().any(|number| card::pieces(it, number) > 0);
    let found = all.iter().filter(held);
    found.map(|it| it.escape_ascii().to_string()).collect()
}

fn nothing_was_sent(shop: &Shop) {
    let heard = shop.ear.heard();
    let batches = heard
        .iter()
        .filter(|it| matches!(unpack(&it.payload), Ok(Message::LogBatch(_))));
    let batches = batches.count();
    println!(
        "{} messages over MQTT, {batches} of them batches",
        heard.len()
    );
    assert!(batches > 0, "nothing was heard that could hold a number");
    assert_eq!(heard_with_pieces(&heard), [""; 0]);
    publish(shop.broker.port(), "control", CARDS[0].as_bytes()).unwrap();
    let found = || {
        let mut heard = shop.ear.heard();
        heard.retain(|it| it.topic == "control");
        Ok(!heard_with_pieces(&heard).is_empty())
    };
    within_eq("the control", PATIENCE, &true, found).unwrap();
}

/// The frames that devices sent are kept for support, and given to whoever asks.
fn nothing_is_journalled(daemon: &Daemon) {
    let at = daemon.http().to_string();
    for words in [
        vec!["devices", "journal", "scanner", "--json"],
        vec!["devices", "journal", "scanner"],
        vec!["devices", "--json"],
        vec!["devices", "doctor"],
    ] {
        let asked: Vec<&str> = words.iter().copied().chain(["--at", &at]).collect();
        let (_, said, error) = daemon.ask(&asked).unwrap();
        for number in CARDS {
            let text = format!("{said}{error}");
            assert_eq!(
                card::pieces(text.as_bytes(), number),
                0,
                "{words:?}: {text}"
            );
        }
    }
    let journal = http::get(daemon.http(), "/api/v1/devices/scanner/journal").unwrap();
    assert!(
        journal.text().matches("\"in\"").count() > 5,
        "{}",
        journal.text()
    );
}

fn nothing_is_left(daemon: &mut Daemon) {
    for path in [
        "/",
        "/till/tcp",
        "/till/serial",
        "/till/italian",
        "/api/v1/status",
        "/api/v1/inbox?all=true",
        "/api/v1/tills/tcp",
        "/api/v1/tills/serial",
        "/api/v1/tills/italian",
        "/api/v1/tills/other-pos/beside",
        "/api/v1/devices",
        "/api/v1/devices/scanner/journal",
        "/devices",
        "/api/v1/documents?limit=500",
        "/metrics",
    ] {
        let text = http::get(daemon.http(), path).unwrap().text();
        for number in CARDS {
            assert_eq!(card::pieces(text.as_bytes(), number), 0, "{path}: {text}");
        }
    }
    // With the write-ahead log as it lies there, and after a stop that empties it.
    for number in CARDS {
        assert_eq!(card::found_in(daemon.dir(), number).unwrap(), []);
    }
    daemon.stop().unwrap();
    for number in CARDS {
        assert_eq!(card::found_in(daemon.dir(), number).unwrap(), []);
    }
    the_search_finds_a_dump(daemon);
}

/// The control: digits, packed digits in both orders, and wide text are found in a file of the data.
fn the_search_finds_a_dump(daemon: &Daemon) {
    let number = CARDS[1];
    let digits: Vec<u8> = number.bytes().map(|it| it - b'0').collect();
    let packed = card::pack(&digits);
    let swapped: Vec<u8> = packed.iter().map(|it| it.rotate_left(4)).collect();
    let wide: Vec<u8> = number.bytes().flat_map(|it| [it, 0]).collect();
    let hex: Vec<u8> = number
        .bytes()
        .flat_map(|it| format!("{it:02X}").into_bytes())
        .collect();
    // Wherever the groups of base64 begin.
    let base64 =
        |bytes: &[u8], before: usize| card::base64(&[&vec![b'x'; before], bytes, b"xyz"].concat());
    let of_digits = [0, 1, 2].map(|it| base64(number.as_bytes(), it));
    let of_packed = [0, 1, 2].map(|it| base64(&packed, it));
    let encoded: Vec<&[u8]> = of_digits
        .iter()
        .chain(&of_packed)
        .map(Vec::as_slice)
        .collect();
    let plain: [&[u8]; 5] = [number.as_bytes(), &packed, &swapped, &wide, &hex];
    for dump in plain.into_iter().chain(encoded) {
        let folder = daemon.data().join("control");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("control.bin");
        std::fs::write(&path, [b"before".as_slice(), dump, b"after"].concat()).unwrap();
        let found = card::found_in(&folder, number).unwrap();
        assert!(found.iter().any(|it| it.0 == path), "{dump:?}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
    the_search_finds_a_row_and_a_line(daemon, number);
}

/// The control where it is hardest to see: in the database, in what is left of a deleted row, in the log.
fn the_search_finds_a_row_and_a_line(daemon: &Daemon, number: &str) {
    let found = |path: PathBuf| {
        let found = card::found_in(daemon.dir(), number).unwrap();
        assert!(found.iter().any(|it| it.0 == path), "{path:?}: {found:?}");
    };
    let sql = format!("INSERT INTO setting VALUES ('control', '{number}')");
    let output = std::process::Command::new(programs::installed("sqlite3").unwrap())
        .args([daemon.database().as_os_str(), sql.as_ref()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    found(daemon.database());
    let log = std::fs::read(daemon.log()).unwrap();
    let line = format!("INFO shelfd: {number}\n").into_bytes();
    std::fs::write(daemon.log(), [log, line].concat()).unwrap();
    found(daemon.log());
}
