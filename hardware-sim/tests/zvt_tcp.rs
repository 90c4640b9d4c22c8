//! The simulated terminal on a real TCP port: a whole payment, and the connection dropped.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program"
)]
#![allow(clippy::disallowed_methods, reason = "a real socket has a real clock")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use shelf_codecs::zvt::{Amount, Password, config_byte};
use shelf_sessions::payment::Terminal as _;
use shelf_sessions::zvt::{Command, Config, Effect, Input, IntentId, Mono, Outcome, Session};
use shelf_sim::zvt_terminal::{PaymentScript, Pull, TerminalConfig, TerminalHandle};

/// Runs one payment over TCP until its outcome.
fn pay(terminal: &TerminalHandle) -> Outcome {
    let mut config = Config::new(Password::new("123456").unwrap(), 978);
    config.config_byte = config_byte::REGISTER_PRINTS;
    config.resync_pause_ms = 50;
    let mut session = Session::new(config);
    let started = Instant::now();
    let mut stream: Option<TcpStream> = None;
    let intent = IntentId(7);
    let mut inputs = vec![Input::Command(Command::Pay {
        intent,
        amount: Amount::new(1234).unwrap(),
        currency: 978,
        asked_at: None,
    })];
    while started.elapsed() < Duration::from_secs(30) {
        let now = Mono(u64::try_from(started.elapsed().as_millis()).unwrap());
        let mut effects = Vec::new();
        for input in std::mem::take(&mut inputs) {
            session.handle(now, input, &mut effects);
        }
        for effect in effects {
            match effect {
                Effect::Connect => {
                    let new = TcpStream::connect(terminal.addr()).unwrap();
                    new.set_read_timeout(Some(Duration::from_millis(5)))
                        .unwrap();
                    stream = Some(new);
                    inputs.push(Input::Connected);
                }
                Effect::Disconnect => stream = None,
                Effect::Send(bytes) => {
                    if let Some(s) = &mut stream {
                        drop(s.write_all(&bytes));
                    }
                }
                Effect::PersistState(_) => inputs.push(Input::Persisted { intent }),
                Effect::CommitThenConfirm(_) => inputs.push(Input::Committed { intent }),
                Effect::Outcome(outcome) => return outcome,
                _ => {}
            }
        }
        inputs.push(Input::Tick);
        let mut buffer = [0; 512];
        match stream.as_mut().map(|s| s.read(&mut buffer)) {
            Some(Ok(0)) => {
                stream = None;
                inputs.push(Input::Disconnected);
            }
            Some(Ok(n)) => inputs.push(Input::Bytes(buffer[..n].to_vec())),
            _ => {}
        }
    }
    panic!("no outcome; the terminal's books: {:?}", terminal.books());
}

#[test]
fn a_payment_over_tcp() {
    let script = PaymentScript {
        thinks_ms: 20,
        ..PaymentScript::default()
    };
    let config = TerminalConfig {
        splits_writes: true,
        ..TerminalConfig::default()
    };
    let mut terminal = TerminalHandle::start(0, config, vec![script]).unwrap();
    let outcome = pay(&terminal);
    assert!(matches!(outcome, Outcome::Approved(_)), "{outcome:?}");
    assert_eq!(terminal.acknowledged().len(), 1);
    assert_eq!(terminal.standing(), terminal.books());
    assert!(terminal.commands().contains(&(6, 1)));
    terminal.stop();
    assert!(
        TcpStream::connect(terminal.addr()).is_err(),
        "still listening after stop"
    );
}

#[test]
fn a_connection_that_the_terminal_drops() {
    let config = TerminalConfig {
        answer_ms_max: 200,
        ..TerminalConfig::default()
    };
    let terminal = TerminalHandle::start(0, config, vec![]).unwrap();
    terminal.add_script(PaymentScript {
        thinks_ms: 20,
        pull: Some(Pull::AfterStatusAcknowledged),
        ..PaymentScript::default()
    });
    // We print: the receipt's acknowledgements stay out, so this terminal takes the money back.
    let outcome = pay(&terminal);
    assert!(
        matches!(outcome, Outcome::ReversedAfterCommit(_)),
        "{outcome:?}"
    );
    assert!(terminal.standing().is_empty());
}
