// Sends stdin to a room: rustc -O send.rs && ROOMCAST_TOKEN=... ./send HOST PORT ROOM [FRAMING]
use std::io::{copy, stdin, BufRead, BufReader, Error, Write};
use std::net::{Shutdown, TcpStream};
use std::{env, process};

fn send() -> Result<String, Error> {
    let args: Vec<String> = env::args().collect();
    let token = env::var("ROOMCAST_TOKEN").expect("ROOMCAST_TOKEN is not set");
    let framing = args.get(4).map_or("raw", String::as_str);
    let mut bridge = TcpStream::connect(format!("{}:{}", args[1], args[2]))?;
    let mut replies = BufReader::new(bridge.try_clone()?);
    let mut reply = String::new();
    bridge.write_all(format!("ROOMCAST/1 room={} token={token} framing={framing}\n", args[3]).as_bytes())?;
    replies.read_line(&mut reply)?;
    if reply.starts_with("OK ") {
        copy(&mut stdin(), &mut bridge)?;
        bridge.shutdown(Shutdown::Write)?; // the end of the stream; the answer still comes
        reply.clear();
        replies.read_line(&mut reply)?;
    }
    Ok(reply)
}

fn main() {
    let reply = send().unwrap_or_else(|error| error.to_string());
    if !reply.starts_with("END ") {
        eprintln!("{}", if reply.is_empty() { "the bridge hung up" } else { reply.trim() });
        process::exit(1);
    }
}
