//! The machine against a reader of a few lines, in virtual time: every rule of the protocol's reference
//! that a field complaint stands behind.

mod rig;

use shelf_codecs::llrp::{
    ConnectionAttempt, Field, Message, ReaderEvent, RoSpec, Status, TagReport, encode_report,
    status,
};

use super::*;
use crate::time::Mono;

use rig::*;

const FULL_SETUP: &str = "GET_READER_CAPABILITIES GET_ROSPECS DISABLE_ROSPEC DELETE_ROSPEC \
     SET_READER_CONFIG ADD_ROSPEC ENABLE_ROSPEC";
const RELEASE: &str = "ENABLE_EVENTS_AND_REPORTS START_ROSPEC";

#[test]
fn nothing_is_sent_before_the_greeting_and_nothing_released_before_the_ledger() {
    let mut rig = Rig::usual();
    rig.input(Input::Start);
    rig.input(Input::Connected);
    assert_eq!(rig.asked(), "");
    let greeting = rig.reader.greeting(ConnectionAttempt::Success);
    rig.input(Input::Bytes(&greeting));
    assert_eq!(
        (rig.asked().as_str(), rig.session.state()),
        (FULL_SETUP, State::Holding)
    );
    rig.input(Input::SinkReady);
    assert_eq!(
        (rig.asked().as_str(), rig.session.state()),
        (RELEASE, State::Running)
    );
    assert_eq!(rig.troubles(), Vec::<&Trouble>::new());
}

#[test]
fn work_that_still_runs_is_kept() {
    let mut rig = Rig::usual();
    rig.reader.specs = vec![RoSpec { state: 2, ..spec() }];
    rig.start();
    rig.input(Input::SinkReady);
    assert_eq!(
        rig.asked(),
        "GET_READER_CAPABILITIES GET_ROSPECS ENABLE_EVENTS_AND_REPORTS"
    );
    // The same number with other work is not ours any more.
    let mut rig = Rig::usual();
    rig.reader.specs = vec![RoSpec {
        state: 2,
        priority: 3,
        ..spec()
    }];
    rig.start();
    assert_eq!(rig.asked(), FULL_SETUP);
    for (state, more) in [
        (1, RELEASE),
        (0, "ENABLE_ROSPEC ENABLE_EVENTS_AND_REPORTS START_ROSPEC"),
    ] {
        let mut rig = Rig::usual();
        rig.reader.specs = vec![RoSpec { state, ..spec() }];
        rig.input(Input::SinkReady);
        rig.start();
        assert_eq!(
            rig.asked(),
            format!("GET_READER_CAPABILITIES GET_ROSPECS {more}")
        );
    }
}

#[test]
fn our_own_id_knows_our_work_again_in_the_readers_words() {
    let unnumbered = RoSpec { id: 0, ..spec() };
    let mut rig = Rig::new(Config::new(unnumbered.clone(), 7));
    rig.input(Input::SinkReady);
    rig.start();
    let id = rig.reader.specs[0].id;
    assert_eq!(rig.asked(), format!("{FULL_SETUP} {RELEASE}"));
    // The reader tells it with defaults filled in.
    rig.reader.specs[0].priority = 7;
    rig.input(Input::Disconnected);
    rig.wait();
    rig.connected();
    assert_eq!(
        rig.asked(),
        "GET_READER_CAPABILITIES GET_ROSPECS ENABLE_EVENTS_AND_REPORTS"
    );
    // After a change of configuration the old work goes, and only that.
    let mut changed = unnumbered;
    changed.inventories[0].antennas = vec![3];
    let mut next = Rig::new(Config::new(changed, 7));
    next.reader.specs = vec![
        RoSpec {
            state: 2,
            ..rig.reader.specs[0].clone()
        },
        RoSpec { id: 9, ..spec() },
    ];
    next.input(Input::SinkReady);
    next.start();
    let left: Vec<u32> = next.reader.specs.iter().map(|it| it.id).collect();
    assert!(
        left.len() == 2 && left.contains(&9) && !left.contains(&id),
        "{left:?}"
    );
    assert_eq!(next.session.state(), State::Running);
}

#[test]
fn a_reader_without_keepalive_is_asked_for_signs_of_life() {
    let mut rig = Rig::usual();
    rig.reader.refuse = Some((3, 101));
    rig.input(Input::SinkReady);
    rig.start();
    let asked = rig.asked();
    assert_eq!(asked.matches("SET_READER_CONFIG").count(), 3);
    assert_eq!(
        (rig.session.state(), rig.troubles().len()),
        (State::Running, 3)
    );
    for _ in 0..20 {
        rig.wait();
        assert_eq!(rig.asked(), "GET_REPORT");
        rig.input(Input::Bytes(&encode_report(1, &[])));
    }
    assert_eq!(rig.session.state(), State::Running);
    // And one that says nothing to that is dead.
    (0..3).for_each(|_| rig.wait());
    assert_eq!(rig.session.state(), State::Waiting);
}

#[test]
fn a_restarted_reader_is_set_up_again() {
    let mut rig = Rig::usual();
    rig.input(Input::SinkReady);
    rig.start();
    rig.reader.specs.clear();
    rig.asked();
    rig.input(Input::Disconnected);
    assert_eq!(rig.session.state(), State::Waiting);
    rig.wait();
    rig.connected();
    assert_eq!(rig.asked(), format!("{FULL_SETUP} {RELEASE}"));
}

#[test]
fn a_keepalive_is_answered_at_once_with_its_own_id() {
    let mut rig = Rig::usual();
    rig.start();
    rig.effects.clear();
    rig.input(Input::Bytes(&Message::Keepalive.encode(99)));
    assert_eq!(
        rig.effects[0],
        Effect::Send(Message::KeepaliveAck.encode(99))
    );
}

#[test]
fn silence_ends_the_connection_and_kept_work_is_then_doubted() {
    let mut rig = Rig::usual();
    rig.reader.specs = vec![RoSpec { state: 2, ..spec() }];
    rig.input(Input::SinkReady);
    rig.start();
    rig.asked();
    let since = rig.now_ms;
    rig.wait();
    assert_eq!(rig.now_ms - since, 30_000);
    assert_eq!(rig.troubles(), [&Trouble::Silent]);
    rig.wait();
    rig.connected();
    assert_eq!(rig.asked(), format!("{FULL_SETUP} {RELEASE}"));
}

#[test]
fn a_reader_that_belongs_to_another_is_not_pestered() {
    let mut rig = Rig::usual();
    rig.input(Input::Start);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        rig.input(Input::Connected);
        let taken = rig
            .reader
            .greeting(ConnectionAttempt::ClientInitiatedExists);
        rig.input(Input::Bytes(&taken));
        let since = rig.now_ms;
        rig.wait();
        pauses.push((rig.now_ms - since) / 1_000);
    }
    assert!(
        pauses[0] >= 22 && pauses[5] >= 225 && pauses[5] <= 300,
        "{pauses:?}"
    );
    assert_eq!(rig.troubles()[0], &Trouble::TakenByAnother);
    assert_eq!(rig.asked(), "");
}

#[test]
fn pauses_grow_to_a_minute_and_shrink_after_a_good_time() {
    let mut rig = Rig::usual();
    rig.input(Input::Start);
    let pause = |rig: &mut Rig| {
        rig.input(Input::Disconnected);
        let since = rig.now_ms;
        rig.wait();
        rig.now_ms - since
    };
    let pauses: Vec<u64> = (0..9).map(|_| pause(&mut rig)).collect();
    assert!(
        pauses[0] <= 1_000 && pauses[8] >= 45_000 && pauses[8] <= 60_000,
        "{pauses:?}"
    );
    rig.input(Input::SinkReady);
    rig.connected();
    rig.now_ms += 40_000;
    assert!(pause(&mut rig) <= 1_000);
}

#[test]
fn an_answer_counts_by_its_id_and_a_missing_one_ends_the_connection() {
    let mut rig = Rig::usual();
    rig.reader.silent = true;
    rig.start();
    let stray = Status::failed(status::UNSUPPORTED_MESSAGE, "unsupported");
    rig.input(Input::Bytes(&Message::ErrorMessage(stray).encode(0)));
    assert_eq!(
        (rig.session.state(), rig.troubles().len()),
        (State::SettingUp, 0)
    );
    rig.wait();
    assert_eq!(rig.troubles(), [&Trouble::NoAnswer]);
    assert_eq!(rig.session.state(), State::Waiting);
}

#[test]
fn refusals_are_told_in_the_readers_words() {
    for (kind, step, goes_on) in [
        (20, SetupStep::Add, false),
        (24, SetupStep::Enable, false),
        (22, SetupStep::Start, true),
        (1, SetupStep::Capabilities, true),
    ] {
        let mut rig = Rig::usual();
        rig.reader.refuse = Some((kind, 101));
        rig.reader.holds = kind != 1;
        rig.input(Input::SinkReady);
        rig.start();
        let words = "no".to_owned();
        assert_eq!(
            rig.troubles(),
            [&Trouble::Refused {
                step,
                code: 101,
                words
            }]
        );
        let state = if goes_on {
            State::Running
        } else {
            State::Waiting
        };
        assert_eq!(rig.session.state(), state, "{step:?}");
    }
    // A question that the reader doesn't know is no trouble.
    let mut rig = Rig::usual();
    rig.reader.refuse = Some((26, status::UNSUPPORTED_MESSAGE));
    rig.input(Input::SinkReady);
    rig.start();
    assert_eq!(
        (rig.troubles().len(), rig.session.state()),
        (0, State::Running)
    );
}

#[test]
fn what_the_reader_leaves_out_is_what_it_said_last() {
    let mut rig = Rig::usual();
    rig.input(Input::SinkReady);
    rig.start();
    let tag = TagReport::of(&EPC);
    rig.report(tag.with(Field::AntennaId, 2).with(Field::PeakRssi, 0xC9));
    rig.report(tag.with(Field::PeakRssi, 0xC8));
    rig.report(tag.with(Field::AntennaId, 1));
    let seen: Vec<_> = rig.reads.iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(seen, [(2, -55), (2, -56), (1, -56)]);
}

#[test]
fn a_reader_in_the_year_2000_reads_at_our_time() {
    let mut rig = Rig::usual();
    rig.reader.clock_us = 946_684_800_000_000;
    rig.input(Input::SinkReady);
    rig.start();
    let greeted = (rig.wall_us(), rig.reader.clock_us);
    rig.now_ms += 5_000;
    let tag = TagReport::of(&EPC).with(Field::AntennaId, 1);
    rig.report(tag.with(Field::LastSeenUtc, greeted.1 + 3_000_000));
    let at = Some(greeted.0 + 3_000_000);
    assert_eq!((rig.reads[0].2, rig.reads[0].3), (at, TimeSource::Reader));
    // Its clock is set: from the next event on it means another time; until then, the time of receipt.
    rig.report(tag.with(Field::LastSeenUtc, WALL_US + 4_000_000));
    assert_eq!(
        (rig.reads[1].2, rig.reads[1].3),
        (Some(rig.wall_us()), TimeSource::Received)
    );
    rig.reader.clock_us = rig.wall_us();
    let event = rig.reader.event(ReaderEvent::Antenna {
        connected: false,
        antenna_id: 2,
    });
    rig.input(Input::Bytes(&event));
    assert!(matches!(
        rig.troubles()[..],
        [Trouble::ClockJumped(_), Trouble::AntennaGone(2)]
    ));
    rig.report(tag.with(Field::LastSeenUtc, rig.wall_us() - 1_000));
    assert_eq!(rig.reads[2].2, Some(rig.wall_us() - 1_000));
}

#[test]
fn lost_reads_are_gaps() {
    let mut rig = Rig::usual();
    rig.reader.holds = false;
    rig.start();
    rig.report(TagReport::of(&EPC));
    rig.report(TagReport::of(&EPC));
    assert_eq!(rig.reads.len(), 0);
    rig.input(Input::SinkReady);
    let overflow = rig.reader.event(ReaderEvent::BufferOverflow);
    rig.input(Input::Bytes(&overflow));
    assert_eq!(
        rig.gaps(),
        [Gap::NotReady { reads: 2 }, Gap::BufferOverflow]
    );
}

#[test]
fn an_endless_work_that_ends_is_started_again() {
    let mut rig = Rig::usual();
    rig.input(Input::SinkReady);
    rig.start();
    rig.asked();
    for (id, expected) in [(9, ""), (4711, "START_ROSPEC")] {
        let ended = rig.reader.event(ReaderEvent::RoSpec {
            event: 1,
            id,
            preempting_id: 0,
        });
        rig.input(Input::Bytes(&ended));
        assert_eq!(rig.asked(), expected);
    }
    assert_eq!(rig.session.state(), State::Running);
}

#[test]
fn a_quiet_reader_is_told_once_and_its_first_read_again() {
    let mut rig = Rig::new(Config {
        quiet_ms_max: Some(60_000),
        ..Config::new(spec(), 1)
    });
    rig.input(Input::SinkReady);
    rig.start();
    for id in 0..20 {
        rig.now_ms += 5_000;
        rig.input(Input::Bytes(&Message::Keepalive.encode(id)));
        if rig.timer.is_some_and(|at| at <= rig.now_ms) {
            rig.input(Input::Tick);
        }
    }
    rig.report(TagReport::of(&EPC));
    assert_eq!(rig.troubles(), [&Trouble::NoReads, &Trouble::ReadsAgain]);
}

#[test]
fn a_stop_says_good_bye_and_leaves_the_work_running() {
    let mut rig = Rig::usual();
    rig.input(Input::SinkReady);
    rig.start();
    rig.asked();
    rig.input(Input::Stop);
    assert_eq!(
        (rig.asked().as_str(), rig.session.state()),
        ("CLOSE_CONNECTION", State::Stopped)
    );
    assert_eq!(
        rig.effects
            .iter()
            .filter(|it| **it == Effect::Disconnect)
            .count(),
        1
    );
    assert_eq!(rig.reader.specs[0].state, 2);
    // And a reader that says nothing costs one second.
    let mut rig = Rig::usual();
    rig.input(Input::SinkReady);
    rig.start();
    rig.reader.silent = true;
    rig.input(Input::Stop);
    let since = rig.now_ms;
    rig.wait();
    assert_eq!(
        (rig.now_ms - since, rig.session.state()),
        (1_000, State::Stopped)
    );
}

#[test]
fn rubbish_and_a_close_event_end_the_connection_cleanly() {
    let mut rig = Rig::usual();
    rig.input(Input::SinkReady);
    rig.start();
    rig.input(Input::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert_eq!(rig.session.state(), State::Waiting);
    assert!(matches!(rig.troubles()[..], [Trouble::NotLlrp(_)]));
    rig.wait();
    rig.connected();
    let closing = rig.reader.event(ReaderEvent::ConnectionClose);
    rig.input(Input::Bytes(&closing));
    assert_eq!(rig.session.state(), State::Waiting);
    assert_eq!(
        rig.effects
            .iter()
            .filter(|it| **it == Effect::Disconnect)
            .count(),
        2
    );
}

#[test]
fn any_pieces_and_any_bytes_leave_it_alive() {
    let mut seed = 5_u64;
    for round in 0..300 {
        let mut rig = Rig::usual();
        rig.input(Input::SinkReady);
        rig.start();
        for _ in 0..20 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(round);
            let mut wire = encode_report(1, &[TagReport::of(&EPC).with(Field::AntennaId, 1)]);
            let at = usize::try_from(seed >> 33).unwrap() % wire.len();
            wire[at] = seed.to_be_bytes()[0];
            let mut out = Vec::new();
            let now = Now {
                mono: Mono(rig.now_ms),
                wall_us: None,
            };
            let mut sink = |_: &TagRead<'_>| {};
            for piece in wire.chunks(1 + at) {
                rig.session
                    .handle(now, Input::Bytes(piece), &mut out, &mut sink);
            }
            rig.session.handle(now, Input::Tick, &mut out, &mut sink);
            assert!(out.len() < 200, "round {round}");
        }
        assert!(matches!(
            rig.session.state(),
            State::Running | State::Waiting
        ));
    }
}
