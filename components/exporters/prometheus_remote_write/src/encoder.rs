//! Batches in, compressed requests in lanes out.
//!
//! Translation and compression take about a microsecond per data point. Large batches go to tokio's blocking threads, so that they
//! do not hold up the tasks of a runtime thread; small ones are done in place, where the hop would cost more than the work.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::time::Instant;
use weir_component::{Batch, ConsumeError, Context};
use weir_prom::{Drops, EncodedRequest, Protocol, Requests, Settings, SettingsError, Translator};

use crate::lookout::Lookout;
use crate::sender::Push;

/// Most data points that are translated in place: about a tenth of a millisecond. Longer, and the calls of others wait for it.
const IN_PLACE_ITEMS: usize = 256;

/// Most bytes of a request, compressed, that is cut in place.
const IN_PLACE_BYTES: usize = 64 << 10;

/// Series per request for choosing the number of lanes when requests have no limit.
const SERIES_PER_LANE: usize = 2000;

/// The requests of one batch.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    /// Per lane, in the order in which they must be sent. No lane is empty.
    pub(crate) lanes: Vec<VecDeque<Push>>,
    /// What is in none of them.
    pub(crate) drops: Drops,
    /// Series in all of them.
    pub(crate) series: u64,
    /// Seconds that it took.
    pub(crate) seconds: f64,
}

/// The encoder of one exporter. Clones share it; batches are encoded one at a time.
#[derive(Clone)]
pub(crate) struct Encoder {
    shared: Arc<Mutex<Codec>>,
    settings: Arc<Settings>,
    parallelism: NonZeroUsize,
    /// Looks at what is sent, if options want it.
    lookout: Option<Arc<Lookout>>,
}

/// Translators with their caches, and buffers.
struct Codec {
    wanted: Translator,
    /// For a receiver that turned out not to know remote write 2.0.
    fallback: Option<Translator>,
}

/// Puts requests into lanes as they are completed.
struct Pack<'c> {
    context: &'c Context,
    lookout: Option<&'c Lookout>,
    encoded: Encoded,
    /// Lane of the last request.
    current: Option<usize>,
}

impl Requests for Pack<'_> {
    fn take(&mut self, request: EncodedRequest) {
        if self.current.replace(request.lane) != Some(request.lane) {
            self.encoded.lanes.push(VecDeque::new());
        }
        self.encoded.series += request.series;
        if let Some(lookout) = self.lookout {
            lookout.see(self.context, &request);
        }
        let push = Push::new(request, self.context.clone());
        if let Some(lane) = self.encoded.lanes.last_mut() {
            lane.push_back(push);
        }
    }
}

impl Encoder {
    /// Makes an encoder for up to `parallelism` lanes.
    pub(crate) fn new(
        settings: Settings,
        protocol: Protocol,
        parallelism: NonZeroUsize,
    ) -> Result<Self, SettingsError> {
        let codec = Codec {
            wanted: Translator::new(settings.clone(), protocol)?,
            fallback: None,
        };
        Ok(Self {
            shared: Arc::new(Mutex::new(codec)),
            settings: Arc::new(settings),
            parallelism,
            lookout: None,
        })
    }

    /// Shows what is sent to `lookout`.
    pub(crate) fn seen_by(self, lookout: Option<Arc<Lookout>>) -> Self {
        Self { lookout, ..self }
    }

    /// Returns whether batches can be encoded for remote write 1.0.
    pub(crate) fn can_fall_back(&self) -> bool {
        self.settings.validate(Protocol::V1).is_ok()
    }

    /// Encodes a batch.
    pub(crate) async fn encode(&self, batch: &Batch, protocol: Protocol) -> Result<Encoded, ConsumeError> {
        let items = batch.items();
        let (batch, settings, lanes) = (batch.clone(), Arc::clone(&self.settings), self.lanes(items));
        let lookout = self.lookout.clone();
        self.run(items <= IN_PLACE_ITEMS, move |codec| {
            codec.encode(&batch, protocol, lanes, &settings, lookout.as_deref())
        })
        .await
    }

    /// Returns the limits of requests: series and bytes.
    pub(crate) fn limits(&self) -> (usize, usize) {
        (self.settings.max_series, self.settings.max_bytes)
    }

    /// Cuts a request in two. `None` if it cannot be cut.
    pub(crate) async fn halves(&self, push: Arc<Push>) -> Result<Option<[Push; 2]>, ConsumeError> {
        self.run(push.body.len() <= IN_PLACE_BYTES, move |_| halves(&push))
            .await
    }

    async fn run<T: Send + 'static>(
        &self,
        in_place: bool,
        work: impl FnOnce(&mut Codec) -> T + Send + 'static,
    ) -> Result<T, ConsumeError> {
        let mut codec = Arc::clone(&self.shared).lock_owned().await;
        if in_place {
            return Ok(work(&mut codec));
        }
        let done = tokio::task::spawn_blocking(move || work(&mut codec)).await;
        done.map_err(|error| ConsumeError::permanent("translation did not finish").caused_by(error))
    }

    /// Returns in how many lanes to send so many points: as few as fill their requests, so that small batches are not torn apart.
    /// Lanes do not get exactly equal shares, hence the tenth of room.
    fn lanes(&self, items: usize) -> NonZeroUsize {
        let series = if self.settings.max_series == 0 {
            SERIES_PER_LANE
        } else {
            self.settings.max_series
        };
        let needed = items.div_ceil((series - series / 10).max(1));
        NonZeroUsize::new(needed)
            .unwrap_or(NonZeroUsize::MIN)
            .min(self.parallelism)
    }
}

impl Codec {
    fn encode(
        &mut self,
        batch: &Batch,
        protocol: Protocol,
        lanes: NonZeroUsize,
        settings: &Settings,
        lookout: Option<&Lookout>,
    ) -> Encoded {
        let begin = Instant::now();
        let Self { wanted, fallback } = self;
        let translator = if protocol == wanted.protocol() {
            wanted
        } else {
            fallback.get_or_insert_with(|| {
                Translator::new(settings.clone(), protocol).expect("checked before falling back")
            })
        };
        translator.set_lanes(lanes);
        let mut drops = Drops::default();
        let mut pack = Pack {
            context: batch.context(),
            lookout,
            encoded: Encoded::default(),
            current: None,
        };
        translator.translate_into(batch, &mut drops, &mut pack);
        let mut encoded = pack.encoded;
        encoded.drops = drops;
        encoded.seconds = begin.elapsed().as_secs_f64();
        encoded
    }
}

fn halves(push: &Push) -> Option<[Push; 2]> {
    let mut whole = push.request.clone();
    whole.block = push.body.to_vec();
    let halves = whole.split().ok()?;
    Some(halves.map(|half| Push::new(half, push.context.clone())))
}

#[cfg(test)]
mod tests {
    use weir_testkit::batches;

    use super::*;

    fn encoder(max_series: usize, parallelism: usize) -> Encoder {
        let settings = Settings {
            max_series,
            target_info: false,
            ..Settings::default()
        };
        Encoder::new(settings, Protocol::V1, NonZeroUsize::new(parallelism).unwrap()).unwrap()
    }

    fn points(lane: &VecDeque<Push>) -> u64 {
        lane.iter().map(|push| push.request.points).sum()
    }

    #[tokio::test]
    async fn lanes_grow_with_the_batch() {
        let encoder = encoder(100, 4);
        for (items, lanes) in [(1, 1), (90, 1), (91, 2), (180, 2), (1000, 4)] {
            let encoded = encoder
                .encode(&batches::gauge("g", items), Protocol::V1)
                .await
                .unwrap();
            assert_eq!(encoded.lanes.len(), lanes, "{items} points");
            assert_eq!(encoded.lanes.iter().map(points).sum::<u64>(), items as u64);
            assert_eq!(encoded.series, items as u64);
        }
    }

    #[tokio::test]
    async fn a_request_can_be_cut_down_to_one_point() {
        let encoder = encoder(0, 1);
        let mut encoded = encoder
            .encode(&batches::gauge("g", 3), Protocol::V1)
            .await
            .unwrap();
        let mut waiting = encoded.lanes.remove(0);
        let mut single = 0;
        while let Some(push) = waiting.pop_front() {
            match encoder.halves(Arc::new(push)).await.unwrap() {
                Some(halves) => waiting.extend(halves),
                None => single += 1,
            }
        }
        assert_eq!(single, 3);
    }
}
