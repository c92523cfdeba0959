use bytes::Bytes;
use std::num::NonZeroUsize;
use std::time::Instant;
use weir_pdata::{Batch, Signal};
use weir_prom::*;
struct Pack {
    c: Compressor,
    n: u64,
    z: bool,
    out: Vec<Bytes>,
}
impl Requests for Pack {
    fn take(&mut self, r: EncodedRequest) -> Vec<u8> {
        self.n += r.bytes.len() as u64;
        if self.z {
            let b = self.c.compress(&r.bytes).unwrap();
            self.out.push(Bytes::copy_from_slice(b));
        }
        r.bytes
    }
}
fn spent() -> u64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mix = &a[1];
    let v = if a[2] == "1" { Protocol::V1 } else { Protocol::V2 };
    let per: usize = a[3].parse().unwrap(); // requests per batch
    let batches: usize = a[4].parse().unwrap(); // batches cycled
    let lanes: usize = a[5].parse().unwrap();
    let z = a[6] == "z";
    let spec = weir_loadgen::workload::Spec {
        payload: <weir_loadgen::workload::Payload as clap::ValueEnum>::from_str(mix, true).unwrap(),
        points: a.get(7).map_or(1000, |x| x.parse().unwrap()),
        ..Default::default()
    };
    let pts = spec.points as usize;
    let mut lanes_src = weir_loadgen::workload::lanes(&spec, 32).unwrap();
    let mut all = Vec::new();
    let mut at = 0;
    let mut now = 1_700_000_000_000_000_000u64;
    for _ in 0..batches {
        let mut batch: Option<Batch> = None;
        for _ in 0..per {
            now += 10_000_000;
            let bytes = lanes_src[at].next_request(now).as_request();
            at = (at + 1) % 32;
            let one = Batch::from_wire(Signal::Metrics, Bytes::copy_from_slice(&bytes)).unwrap();
            batch = Some(match batch {
                None => one,
                Some(x) => {
                    let mut x = x;
                    x.append(one).map_err(|_| ()).unwrap();
                    x
                }
            });
        }
        all.push(batch.unwrap());
    }
    let mut t = Translator::new(Settings::default(), v).unwrap();
    t.set_lanes(NonZeroUsize::new(lanes).unwrap());
    let mut p = Pack {
        c: Compressor::new(),
        n: 0,
        z,
        out: vec![],
    };
    let mut d = Drops::default();
    let rounds = std::env::var("ROUNDS")
        .ok()
        .map_or((700_000 / (per * batches * pts)).max(1), |x| x.parse().unwrap());
    let mut best = f64::MAX;
    let mut sum = vec![];
    for _ in 0..9 {
        let (s, n0) = (spent(), Instant::now());
        let _ = n0;
        for _ in 0..rounds {
            for b in &all {
                p.out.clear();
                t.translate_into(b, &mut d, &mut p);
            }
        }
        let e = (spent() - s) as f64 / (rounds * batches * per * pts) as f64;
        best = best.min(e);
        sum.push(e);
    }
    sum.sort_by(f64::total_cmp);
    let zb: usize = p.out.iter().map(|b| b.len()).sum();
    println!("last batch compressed {:.1} B/pt", zb as f64 / (per * pts) as f64);
    println!(
        "{mix} v{} {per}k x{batches} lanes {lanes} {}: median {:.0} min {:.0} ns/pt, {:.0} B/pt",
        a[2],
        a[6],
        sum[4],
        best,
        p.n as f64 / (9 * rounds * batches * per * pts) as f64
    );
}
