//! Devices on the command line: one is plugged in, every line that is typed is a code that it reads
//! (or a badge that it is shown), and the end of the input unplugs it. Those that the kernel takes
//! for real ones need root and its modules; where these are missing, the error names the module.

use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use shelf_codecs::barcode::{Aim, Symbology};
use shelf_codecs::scale::{Protocol, ScaleConfig};
use shelf_codecs::scanner::Terminator;
use shelf_codecs::scanner::hid_pos::descriptor::parse;
use shelf_codecs::scanner::hid_pos::{self, Layout};
use shelf_codecs::scanner::oem::{OemStatus, encode_scan};
use shelf_codecs::scanner::wedge::{WedgeConfig, encode};
use shelf_sim::counter::{CounterDevice, CounterModel};
use shelf_sim::line_server::LineServer;
use shelf_sim::rfid::llrp::{LlrpReaderConfig, LlrpServer};
use shelf_sim::rfid::uhf::{UhfModel, UhfReaderConfig, UhfServer};
use shelf_sim::scanner_pty::{Framing, PtyScanner};
use shelf_sim::uhid::{HidUnit, UhidDevice};
use shelf_sim::usbip::models::{CardReader, CdcScanner, FtdiScanner};
use shelf_sim::usbip::{PORTS, UsbDevice, UsbModel};
use shelf_sim::wedge::boot_reports;

/// Bytes of an OEM scanner's report.
const OEM_REPORT_BYTES: usize = 64;
/// Longest number of a badge, in bytes.
const BADGE_BYTES_MAX: usize = 10;

/// A device to plug in.
#[derive(Subcommand)]
pub(crate) enum Device {
    /// A scanner on a pseudo-terminal; needs neither root nor modules.
    PtyScanner {
        /// Where the host opens it.
        link: PathBuf,
    },
    /// A HID POS scanner, by the module `uhid`.
    UhidPos(Unit),
    /// An IBM OEM scanner, by the module `uhid`.
    UhidOem(Unit),
    /// A scanner that types, by the module `uhid`.
    UhidWedge(Unit),
    /// A scanner that is a serial port, by the module `vhci-hcd`.
    UsbCdc(Unit),
    /// A scanner behind FTDI's converter, by the module `vhci-hcd`.
    UsbFtdi(Unit),
    /// A reader of badges, by the module `vhci-hcd`; a line is a badge's number in hexadecimal
    /// digits, an empty line takes it away.
    UsbCards(Unit),
    /// A fixed RFID reader, LLRP over TCP; a line is an order: `lay EPC|GTIN:SERIAL [ANTENNA]`,
    /// `take EPC|GTIN:SERIAL`, `fill COUNT [ANTENNA] [GTIN]`, `clear`, `wander`, `rate N`, `wait MS`,
    /// or `fault cut|drop|close|silence|speak|slow|garbage|new|noise|taken|free|overflow|
    /// antenna-gone N|antenna-back N|stray-errors|clock-2000|double|refuse-work`.
    Llrp(FixedReader),
    /// A scale, on a pseudo-terminal or as behind a serial server; a line is an order: `put WEIGHT` (as
    /// 1.250), `empty`, `wait MS`, or `fault motion|over|under|fine|half|flip|garbage|babble BYTES|silence|
    /// speak|unplug|plug`.
    Scale(ScaleLine),
    /// A Zebra scanner that speaks SSI; a line is an order: `scan CODE`, `wait MS`, or a fault as for
    /// `scale`, or `fault deaf` (the next acknowledgement is not heard).
    SsiScanner(SerialLine),
    /// A counter scanner with a scale on one cable (Magellan); orders as for `scale` and `scan CODE`.
    CounterScanner(SerialLine),
    /// A serial UHF reader, on a pseudo-terminal or as behind a serial server; a line is an order as
    /// for `llrp`, with the faults `cut|flip|noise|silence|speak|stop|unplug|plug`.
    Uhf(SerialReader),
}

/// A fixed reader.
#[derive(Args)]
pub(crate) struct FixedReader {
    /// Port on the loopback interface; 0 takes a free one.
    #[arg(long, default_value_t = 5084)]
    port: u16,
    /// How many antennas it has.
    #[arg(long, default_value_t = 4)]
    antennas: u16,
    /// Reads in a second while it works and a tag is there.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Milliseconds between two reports.
    #[arg(long, default_value_t = 50)]
    report_ms: u64,
    /// So many of a thousand reads are heard at the wrong antenna.
    #[arg(long, default_value_t = 0)]
    stray: u64,
    /// It can't hold reports.
    #[arg(long)]
    no_hold: bool,
    /// Everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Where a device of the counter is.
#[derive(Args)]
pub(crate) struct SerialLine {
    /// Where the host opens its pseudo-terminal; absent: it is on TCP.
    #[arg(long)]
    link: Option<PathBuf>,
    /// Port on the loopback interface; 0 takes a free one.
    #[arg(long, default_value_t = 0, conflicts_with = "link")]
    port: u16,
    /// Everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A scale.
#[derive(Args)]
pub(crate) struct ScaleLine {
    /// toledo-8217, nci-scp-01, nci-scp-02, dialog (02 and 04) or st-gs.
    #[arg(long, value_parser = serial_protocol)]
    protocol: Protocol,
    #[command(flatten)]
    line: SerialLine,
}

fn serial_protocol(name: &str) -> std::result::Result<Protocol, String> {
    let known = Protocol::from_name(name);
    known
        .filter(|it| !matches!(it, Protocol::Hid | Protocol::IbmOem))
        .ok_or_else(|| "write toledo-8217, nci-scp-01, nci-scp-02, dialog or st-gs".to_owned())
}

/// A serial reader.
#[derive(Args)]
pub(crate) struct SerialReader {
    /// chafon, chafon18, m100, indy, thingmagic or nur.
    #[arg(long)]
    family: UhfModel,
    /// Where the host opens its pseudo-terminal; absent: it is on TCP.
    #[arg(long)]
    link: Option<PathBuf>,
    /// Port on the loopback interface; 0 takes a free one.
    #[arg(long, default_value_t = 0, conflicts_with = "link")]
    port: u16,
    /// How many antennas it has.
    #[arg(long, default_value_t = 1)]
    antennas: u16,
    /// Reads in a second while it works and a tag is there.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Which unit it is.
#[derive(Args)]
pub(crate) struct Unit {
    /// Its serial number.
    #[arg(long, default_value = "SIM-1")]
    serial: String,
    /// Port of the virtual bus, for USB devices.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..i64::from(PORTS)))]
    port: u32,
}

/// Reads one line's code.
type Reads = Box<dyn FnMut(&str) -> Result<()>>;

/// Plugs a device in and has it read every line.
pub(crate) fn run(device: &Device, codes: impl BufRead) -> Result<ExitCode> {
    let mut reads = plug(device)?;
    println!(
        "plugged in; each line is a code that it reads or an order, the end of the input unplugs it"
    );
    for code in codes.lines() {
        reads(&code.context("read a line")?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn plug(device: &Device) -> Result<Reads> {
    Ok(match device {
        Device::PtyScanner { link } => {
            let mut scanner = PtyScanner::plug(link, Framing::default())
                .with_context(|| format!("a pseudo-terminal at {}", link.display()))?;
            Box::new(move |code| Ok(scanner.scan(code)?))
        }
        Device::UhidPos(unit) => {
            let described = HidUnit::pos_scanner(&unit.serial);
            let layouts = Layout::resolve(&parse(&described.descriptor), described.vendor);
            let layout = *layouts.first().context("a layout")?;
            let aim = Some(Aim {
                code: b'E',
                modifier: b'0',
            });
            hid(&described, move |code| {
                Some(hid_pos::encode(&layout, code.as_bytes(), aim, 0))
            })?
        }
        Device::UhidOem(unit) => hid(&HidUnit::ibm_oem_scanner(&unit.serial), |code| {
            let status = OemStatus([0x10, 0x03, 0]);
            let mut reports = encode_scan(code.as_bytes(), Symbology::Code128, status, false);
            reports
                .iter_mut()
                .for_each(|it| it.resize(OEM_REPORT_BYTES, 0));
            Some(reports)
        })?,
        Device::UhidWedge(unit) => hid(&HidUnit::keyboard_wedge(&unit.serial), |code| {
            let keys = encode(code, &WedgeConfig::default(), Some(Terminator::Cr))?;
            Some(boot_reports(&keys)?.iter().map(|it| it.to_vec()).collect())
        })?,
        Device::UsbCdc(unit) => usb(CdcScanner::new(&unit.serial), unit.port, |it, code| {
            it.scan(format!("{code}\r").as_bytes());
            Ok(())
        })?,
        Device::UsbFtdi(unit) => usb(FtdiScanner::new(&unit.serial), unit.port, |it, code| {
            it.scan(format!("{code}\r").as_bytes());
            Ok(())
        })?,
        Device::UsbCards(unit) => usb(CardReader::new(&unit.serial), unit.port, |it, line| {
            let number = badge(line)?;
            it.show((!number.is_empty()).then_some(&number[..]));
            Ok(())
        })?,
        Device::Llrp(settings) => fixed_reader(settings)?,
        Device::Uhf(settings) => serial_reader(settings)?,
        Device::Scale(settings) => {
            let model = CounterModel::Scale(ScaleConfig::new(settings.protocol));
            counter_device(model, &settings.line)?
        }
        Device::SsiScanner(line) => counter_device(CounterModel::SsiScanner, line)?,
        Device::CounterScanner(line) => counter_device(CounterModel::CounterScanner, line)?,
    })
}

fn fixed_reader(settings: &FixedReader) -> Result<Reads> {
    let config = LlrpReaderConfig {
        antennas: settings.antennas,
        reads_per_s: settings.rate,
        report_ms: settings.report_ms,
        stray_per_mille: settings.stray,
        holds_reports: !settings.no_hold,
        ..LlrpReaderConfig::new(settings.seed)
    };
    let server = LlrpServer::start(settings.port, config)?;
    println!("listening on {}", server.addr());
    Ok(Box::new(move |line| {
        ensure!(server.order(line.parse()?), "too many orders wait");
        Ok(())
    }))
}

fn serial_reader(settings: &SerialReader) -> Result<Reads> {
    let config = UhfReaderConfig {
        antennas: settings.antennas,
        reads_per_s: settings.rate,
        ..UhfReaderConfig::new(settings.family, settings.seed)
    };
    let server = match &settings.link {
        Some(link) => UhfServer::on_pty(link, config)?,
        None => UhfServer::on_tcp(settings.port, config)?,
    };
    if let Some(address) = server.addr() {
        println!("listening on {address}");
    }
    Ok(Box::new(move |line| {
        ensure!(server.order(line.parse()?), "too many orders wait");
        Ok(())
    }))
}

fn counter_device(model: CounterModel, line: &SerialLine) -> Result<Reads> {
    let device = CounterDevice::new(model, line.seed);
    let server = match &line.link {
        Some(link) => LineServer::on_pty(link, device)?,
        None => LineServer::on_tcp(line.port, device)?,
    };
    if let Some(address) = server.addr() {
        println!("listening on {address}");
    }
    Ok(Box::new(move |line| {
        ensure!(server.device().order(line.parse()?), "too many orders wait");
        Ok(())
    }))
}

/// A HID device that sends these reports for a code; `None` if it can't type it.
fn hid(unit: &HidUnit, reports: impl Fn(&str) -> Option<Vec<Vec<u8>>> + 'static) -> Result<Reads> {
    let mut device = UhidDevice::plug(unit)
        .context("/dev/uhid can't be used: run as root, and load the module `uhid`")?;
    Ok(Box::new(move |code| {
        let reports = reports(code).context("its layout can't type this code")?;
        for report in reports {
            device.input(&report)?;
        }
        Ok(())
    }))
}

/// A USB device that does this for a line.
fn usb<M: UsbModel + 'static>(
    model: M,
    port: u32,
    work: impl Fn(&mut M, &str) -> Result<()> + 'static,
) -> Result<Reads> {
    let mut device = UsbDevice::plug(model, port).context(
        "the virtual bus can't be used: run as root, load the module `vhci-hcd`, choose a free port",
    )?;
    Ok(Box::new(move |line| device.with(|it| work(it, line))?))
}

fn badge(line: &str) -> Result<Vec<u8>> {
    let digits: Vec<u8> = line
        .chars()
        .filter(|it| !matches!(it, ':' | ' '))
        .map(|it| it.to_digit(16).and_then(|it| u8::try_from(it).ok()))
        .collect::<Option<_>>()
        .with_context(|| format!("`{line}` is no number in hexadecimal digits"))?;
    if !digits.len().is_multiple_of(2) || digits.len() > 2 * BADGE_BYTES_MAX {
        bail!(
            "`{line}` has {} digits; a badge's number has 2 to 20, in pairs",
            digits.len()
        );
    }
    Ok(digits
        .chunks_exact(2)
        .map(|it| it[0] << 4 | it[1])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn badges_are_read_as_they_are_printed() {
        assert_eq!(badge("04:a2 5B").unwrap(), [0x04, 0xA2, 0x5B]);
        assert!(badge("").unwrap().is_empty());
        assert!(badge("04a").is_err() && badge("xy").is_err() && badge(&"00".repeat(11)).is_err());
    }
}
