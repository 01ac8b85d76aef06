//! Signals, in a process of its own: the first asks to stop, the second stops.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where they fail"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sty_engine::Interrupt;

const CHILD: &str = "STY_TEST_INTERRUPT_CHILD";

#[test]
fn the_first_asks_and_the_second_stops() {
    if std::env::var_os(CHILD).is_some() {
        return be_interrupted();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "the_first_asks_and_the_second_stops",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    for (wait_for, signal) in [("listening", "-INT"), ("asked to stop", "-TERM")] {
        assert!(
            lines.any(|line| line.ends_with(wait_for)),
            "no `{wait_for}`"
        );
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

fn be_interrupted() {
    let interrupt = Interrupt::on_signals().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    println!("\nlistening");
    while !interrupt.is_set() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("\nasked to stop");
    std::io::stdout().flush().unwrap();
    while Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the second signal had no effect");
}
