//! `shelf-sim`: the simulated chain, and simulated devices, on the command line.
//!
//! `explore` runs many seeds and is silent about those that are well; `replay` steps through one
//! and says what changed; `mutants` proves that planted errors are found. Everything that a run
//! does comes from its seed; only the duration that is printed comes from a clock.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line: it prints, and measures how long it took"
)]

mod device_commands;
mod pay_commands;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use serde::Serialize;
use shelf_sim::chain::hunt::{self, Hunt, MutantReport, Verdict};
use shelf_sim::chain::mutant::Mutant;
use shelf_sim::chain::replay::{self, Frame};
use shelf_sim::chain::run::{self, Plan, Report};

/// The chain that is simulated from a seed.
#[derive(Parser)]
#[command(name = "shelf-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run many seeds, each twice; exit status 1 if one breaks an invariant.
    Explore(Explore),
    /// Step through one seed and say what changed.
    Replay(Replay),
    /// Prove that each planted error is found.
    Mutants(Mutants),
    /// Print what makes a shell complete this program's words: `shelf-sim completions bash`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    #[command(flatten)]
    Device(device_commands::Device),
    #[command(flatten)]
    Pay(pay_commands::PayDevice),
}

#[derive(Args)]
struct Explore {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// So many of a thousand seeds run a third time on real tables.
    #[arg(long, default_value_t = 20, value_name = "PER_MILLE")]
    sqlite_share: u64,
    /// How many at once; default: every processor.
    #[arg(long)]
    threads: Option<usize>,
}

#[derive(Args)]
struct Replay {
    /// Which seed.
    seed: u64,
    /// Stop after this step.
    #[arg(long)]
    until: Option<u64>,
    /// Show steps from this one on.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// With this planted error.
    #[arg(long)]
    mutant: Option<String>,
    /// One JSON object per step.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Mutants {
    /// At most so many seeds for each, besides the one that caught it once.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// Begin at seed 0, as if nothing had been caught before.
    #[arg(long)]
    forget: bool,
    /// Only this one.
    #[arg(long)]
    only: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// How many at once; default: every processor.
    #[arg(long)]
    threads: Option<usize>,
}

/// A report with the time that it took.
#[derive(Serialize)]
struct Timed<T> {
    #[serde(flatten)]
    report: T,
    seconds: f64,
}

#[derive(Serialize)]
struct MutantsReport {
    mutants: Vec<MutantReport>,
    missed: usize,
    controls_failed: u64,
}

fn main() -> Result<ExitCode> {
    let started = Instant::now();
    match Cli::parse().command {
        Command::Explore(it) => explore(&it, started),
        Command::Replay(it) => replay(&it),
        Command::Mutants(it) => mutants(&it, started),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "shelf-sim", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Device(it) => device_commands::run(&it, std::io::stdin().lock()),
        Command::Pay(it) => pay_commands::run(&it, std::io::stdin().lock()),
    }
}

fn threads(wanted: Option<usize>) -> usize {
    wanted.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into))
}

fn explore(args: &Explore, started: Instant) -> Result<ExitCode> {
    let plan = Plan {
        corpus: run::corpus(),
        from: args.from,
        seeds: args.seeds,
        threads: threads(args.threads),
        sqlite_per_mille: args.sqlite_share,
    };
    let shown = std::io::stderr().is_terminal();
    let report = run::explore(&plan, |so_far| {
        if shown && so_far.seeds % 50 == 0 {
            eprint!("\r{} seeds, {} violations", so_far.seeds, so_far.violations);
            drop(std::io::stderr().flush());
        }
    });
    if shown {
        eprintln!("\r\x1b[K");
    }
    let seconds = started.elapsed().as_secs_f64();
    let broken = report.violations > 0;
    if args.json {
        let timed = Timed { report, seconds };
        println!(
            "{}",
            serde_json::to_string_pretty(&timed).context("the report as JSON")?
        );
    } else {
        show(&report, seconds);
    }
    Ok(ExitCode::from(u8::from(broken)))
}

fn show(report: &Report, seconds: f64) {
    let (seeds, events) = (report.seeds, report.events);
    println!("{seeds} seeds, {events} events, each twice, in {seconds:.1} s");
    println!("{} again on real tables", report.sqlite_seeds);
    let possible = report.oversell_possible_per_mille;
    println!("an oversell was possible in {possible} of 1,000 runs");
    for (word, share) in report
        .faults_per_mille
        .iter()
        .chain(&report.situations_per_mille)
    {
        println!("{share:5} of 1,000 runs: {word}");
    }
    println!("violations: {}", report.violations);
    for failure in &report.failures {
        println!("seed {}: {}", failure.seed, failure.violation);
        println!("    {}", failure.replay);
    }
}

fn replay(args: &Replay) -> Result<ExitCode> {
    let mutant = match &args.mutant {
        Some(word) => Some(called(word)?),
        None => None,
    };
    let mut out = std::io::stdout().lock();
    let mut failed = None;
    let violation = replay::replay(args.seed, mutant, args.until, &mut |frame: &Frame| {
        if frame.step < args.from || failed.is_some() {
            return;
        }
        let line = match args.json {
            true => serde_json::to_string(frame).unwrap_or_default(),
            false => frame.to_string(),
        };
        failed = writeln!(out, "{line}").err();
    });
    drop(out);
    match violation {
        Some(violation) => {
            println!("VIOLATION {violation}");
            Ok(ExitCode::from(1))
        }
        None => Ok(ExitCode::SUCCESS),
    }
}

fn called(word: &str) -> Result<Mutant> {
    let mut all = Mutant::ALL.iter().copied();
    all.find(|it| it.word() == word)
        .with_context(|| format!("no planted error is called `{word}`"))
}

fn mutants(args: &Mutants, started: Instant) -> Result<ExitCode> {
    let plan = Hunt {
        mutants: match &args.only {
            Some(word) => vec![called(word)?],
            None => Mutant::ALL.to_vec(),
        },
        remembered: !args.forget,
        seeds: args.seeds,
        threads: threads(args.threads),
    };
    let shown = std::io::stderr().is_terminal();
    let mutants = hunt::hunt_all(&plan, |it| {
        if shown {
            eprintln!(
                "{:.1} s: {} {}",
                started.elapsed().as_secs_f64(),
                it.mutant,
                it.verdict.word()
            );
        }
    });
    let missed = mutants
        .iter()
        .filter(|it| it.verdict == Verdict::Missed)
        .count();
    let controls_failed = mutants.iter().map(|it| it.controls_failed).sum();
    let seconds = started.elapsed().as_secs_f64();
    if args.json {
        let report = MutantsReport {
            mutants,
            missed,
            controls_failed,
        };
        let timed = Timed { report, seconds };
        println!(
            "{}",
            serde_json::to_string_pretty(&timed).context("the report as JSON")?
        );
    } else {
        for it in &mutants {
            match (&it.seed, &it.violation) {
                (Some(seed), Some(violation)) => {
                    println!("{}: caught by seed {seed}: {violation}", it.mutant);
                }
                _ => println!("{}: MISSED in {} seeds", it.mutant, it.seeds_tried),
            }
        }
        println!("missed: {missed}, in {seconds:.1} s");
    }
    Ok(ExitCode::from(u8::from(missed > 0 || controls_failed > 0)))
}
