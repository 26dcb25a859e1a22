//! The network between two nodes, which can be cut: then nothing comes through in either direction,
//! and nobody is told.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// A way to one address through another.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    whole: Arc<Whole>,
}

/// Whether anything comes through.
#[derive(Debug)]
struct Whole {
    is: Mutex<bool>,
    changed: Condvar,
}

impl Whole {
    /// Waits while the link is cut.
    fn wait(&self) {
        let is = self.is.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_while(is, |is| !*is);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Link {
    /// A link to `target`, host and port. Its threads last as long as the test's process.
    ///
    /// # Panics
    /// If this machine gives no port.
    #[must_use]
    pub fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let whole = Arc::new(Whole {
            is: Mutex::new(true),
            changed: Condvar::new(),
        });
        let (target, through) = (target.to_owned(), Arc::clone(&whole));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // Where nobody listens, the connection just ends.
                let Ok(far) = TcpStream::connect(&target) else {
                    continue;
                };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let ends = (from.try_clone(), to.try_clone());
                    if let (Ok(from), Ok(to)) = ends {
                        let whole = Arc::clone(&through);
                        thread::spawn(move || carry(from, to, &whole));
                    }
                }
            }
        });
        Self { address, whole }
    }

    /// Its near end, as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts it, or mends it: what was on its way then arrives.
    pub fn set_whole(&self, whole: bool) {
        *self.whole.is.lock().unwrap_or_else(PoisonError::into_inner) = whole;
        self.whole.changed.notify_all();
    }
}

/// Carries bytes until either end is gone.
fn carry(mut from: TcpStream, mut to: TcpStream, whole: &Whole) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        whole.wait();
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // The other end learns of it; it may have gone first.
    let _gone = to.shutdown(Shutdown::Write);
}
