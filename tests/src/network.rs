//! A network of its own: a Linux network namespace, where an address that is not loopback answers
//! whatever network this machine has, or none.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// The one address in it, of the block for documentation (RFC 5737). A browser takes no address but
/// those of loopback for a secure context.
pub const ADDRESS: &str = "192.0.2.77";

/// A namespace, which ends with this value.
#[derive(Debug)]
pub struct Network {
    /// Keeps it until its standard input ends.
    keeper: Child,
}

impl Network {
    /// Makes one, with the rights of this user alone (user namespaces).
    ///
    /// # Panics
    /// If this machine does not let its users do so.
    #[must_use]
    pub fn new() -> Self {
        let address = format!(
            "ip link set lo up && ip address add {ADDRESS}/32 dev lo && echo up && exec cat"
        );
        let mut keeper = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "sh", "-c", &address])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs: util-linux");
        let output = keeper.stdout.as_mut().expect("piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("text");
        assert_eq!(
            line, "up\n",
            "no network namespace: user namespaces must be allowed, and iproute2 installed"
        );
        Self { keeper }
    }

    /// A command that will run in it.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.keeper.id()))
            .args(["--user", "--net", "--preserve-credentials", "--"])
            .arg(program);
        command
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Gone already, in a test that ends badly.
        let _gone = self.keeper.kill();
        let _status = self.keeper.wait();
    }
}
