//! A witness that is none: it answers every request with what it was told to say.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What it says.
#[derive(Clone, Debug)]
pub struct Said {
    /// To `POST /add-checkpoint`: status, media type, body.
    pub add: (u16, &'static str, String),
    /// To `GET /witness/…/checkpoint`: status and body.
    pub latest: (u16, String),
}

/// A listening liar.
#[derive(Debug)]
pub struct Liar {
    url: String,
    said: Arc<Mutex<Said>>,
    asked: Arc<AtomicUsize>,
}

impl Liar {
    /// Starts it. Its thread lasts as long as the test's process.
    ///
    /// # Panics
    /// If this machine gives no port.
    #[must_use]
    pub fn new(said: Said) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let said = Arc::new(Mutex::new(said));
        let asked = Arc::new(AtomicUsize::new(0));
        let (lies, count) = (Arc::clone(&said), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let said = lies.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // Who hangs up early has heard enough.
                let _heard = answer(&stream, &said);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self {
            url: format!("http://{address}"),
            said,
            asked,
        }
    }

    /// Where it is asked.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests it has answered.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Says something else from now on.
    pub fn say(&self, said: Said) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }
}

/// Answers one request, and ends the connection.
fn answer(stream: &TcpStream, said: &Said) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink())?;
    let (status, media_type, body) = if first.starts_with("POST") {
        (said.add.0, said.add.1, &said.add.2)
    } else {
        (said.latest.0, "text/plain; charset=utf-8", &said.latest.1)
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} Said\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}
