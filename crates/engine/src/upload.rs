//! Puts the program on a node.

use std::io;
use std::process::{Child, Stdio};

use crate::connect::{ConnectOptions, detail, ssh_problem};
use crate::error::ConnectProblem;
use crate::program::Program;
use crate::shell;
use crate::target::Target;

/// Copies `program` over and has the node check its hash before it takes its place. Older
/// programs there are removed.
pub(crate) fn upload(
    target: &Target,
    program: &Program,
    options: &ConnectOptions,
) -> Result<(), ConnectProblem> {
    let script = shell::receive(
        &options.node_directory,
        &program.name(),
        program.sha256(),
        std::env::consts::ARCH,
    );
    let mut command = target.shell(&script, options);
    let errors = tempfile::tempfile_in(&options.runtime_directory).map_err(spawn_problem)?;
    let mut child = errors
        .try_clone()
        .and_then(|errors| {
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(errors)
                .spawn()
        })
        .map_err(spawn_problem)?;
    // A node that refuses stops reading; its exit code tells why.
    let sent = send(&mut child, program);
    let status = child.wait().map_err(spawn_problem)?;
    let said = detail(&crate::pipes::tail(&errors));
    match (status.code(), sent) {
        (Some(0), Ok(())) => Ok(()),
        (Some(0), Err(error)) => Err(ConnectProblem::Upload {
            exit_code: None,
            detail: error.to_string(),
        }),
        (Some(255), _) => Err(ssh_problem(&said)),
        (Some(shell::NO_SUDO), _) => Err(ConnectProblem::NoSudo),
        (Some(shell::SUDO_REFUSES), _) => Err(ConnectProblem::SudoRefused { detail: said }),
        (Some(shell::OTHER_ARCHITECTURE), _) => Err(ConnectProblem::OtherArchitecture),
        (Some(shell::DAMAGED), _) => Err(ConnectProblem::Upload {
            exit_code: status.code(),
            detail: "what arrived is not what was sent".to_owned(),
        }),
        (exit_code, _) => Err(ConnectProblem::Upload {
            exit_code,
            detail: said,
        }),
    }
}

fn send(child: &mut Child, program: &Program) -> io::Result<()> {
    let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let sent = io::copy(&mut program.reader(), &mut input)?;
    if sent == program.size() {
        Ok(())
    } else {
        Err(io::Error::other("the program changed while it was sent"))
    }
}

fn spawn_problem(source: io::Error) -> ConnectProblem {
    ConnectProblem::Spawn {
        program: "ssh".to_owned(),
        source,
    }
}
