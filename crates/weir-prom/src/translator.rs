//! The translator: batches in, requests out.

use std::num::NonZeroUsize;

use weir_pdata::Batch;

use crate::Protocol;
use crate::collect::{Choices, Collector, Scratch, Tables};
use crate::drops::Drops;
use crate::encode::{Codec, Limits, RequestWriter, Source, V1, V2};
use crate::output::{Output, Requests};
use crate::relabel::Relabel;
use crate::rows::Groups;
use crate::settings::{Settings, SettingsError};
use crate::target_info::TargetInfo;

/// Rows that are fetched at a time.
const WARM_ROWS: usize = 16;

/// Translates batches of OTLP metrics into remote-write requests.
///
/// One instance belongs to one destination: it remembers names, label orders and when `target_info` was sent
/// last. All of that is bounded. It does no I/O and never fails: what cannot be sent is counted in
/// [`Output::drops`], down to single points, and the rest goes on.
pub struct Translator {
    choices: Choices,
    lanes: NonZeroUsize,
    tables: Tables,
    scratch: Scratch,
    targets: TargetInfo,
    groups: Groups,
    members: Vec<u32>,
    encoder: Encoder,
}

enum Encoder {
    V1(RequestWriter<V1>),
    V2(RequestWriter<V2>),
}

impl Translator {
    /// Returns a translator with one lane.
    ///
    /// # Errors
    /// [`SettingsError`] if the settings contradict the protocol or themselves.
    pub fn new(settings: Settings, protocol: Protocol) -> Result<Self, SettingsError> {
        settings.validate(protocol)?;
        let native = settings.nhcb && protocol == Protocol::V2;
        let limits = Limits {
            series: settings.max_series,
            bytes: settings.max_bytes,
        };
        let relabel = Relabel::new(settings.relabel_rules()?, settings.relabel_cache_bytes);
        let encoder = match protocol {
            Protocol::V1 => {
                let codec = V1::new(settings.send_metadata);
                Encoder::V1(RequestWriter::new(codec, limits, relabel))
            }
            Protocol::V2 => Encoder::V2(RequestWriter::new(V2::default(), limits, relabel)),
        };
        Ok(Self {
            lanes: NonZeroUsize::MIN,
            tables: Tables::new(&settings),
            scratch: Scratch::default(),
            targets: TargetInfo::new(settings.target_info_interval),
            groups: Groups::default(),
            members: Vec::new(),
            encoder,
            choices: Choices {
                external: settings.named_external_labels()?,
                classic: !native || settings.keep_classic,
                native,
                settings,
            },
        })
    }

    /// Returns the protocol of the requests.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match self.encoder {
            Encoder::V1(_) => Protocol::V1,
            Encoder::V2(_) => Protocol::V2,
        }
    }

    /// Sets how many lanes the requests of a batch are built for. A hash of a series' labels picks its lane, the
    /// same in every translator of this process, so the samples of a series stay in order if each lane sends one
    /// request after the other. Change it only when all lanes are idle.
    pub fn set_lanes(&mut self, lanes: NonZeroUsize) {
        self.lanes = lanes;
    }

    /// Translates a batch and keeps its requests. `out` is cleared first. A batch of another signal yields nothing.
    pub fn translate(&mut self, batch: &Batch, out: &mut Output) {
        out.clear();
        self.translate_into(batch, &mut out.drops, &mut out.requests);
    }

    /// Translates a batch and hands each request on as soon as it is complete. What is in none of them is added to `drops`.
    pub fn translate_into(&mut self, batch: &Batch, drops: &mut Drops, requests: &mut dyn Requests) {
        self.tables.begin();
        let mut collector = Collector::new(
            &self.choices,
            &mut self.tables,
            &mut self.scratch,
            &mut self.targets,
            drops,
        );
        batch.visit_metrics(&mut collector);
        collector.finish();
        self.groups.build(
            &self.tables.rows,
            &self.tables.families,
            &self.tables.labels,
            self.lanes,
        );
        let (groups, members) = (&self.groups, &mut self.members);
        let mut source = Source {
            tables: &mut self.tables,
            drops,
        };
        match &mut self.encoder {
            Encoder::V1(writer) => write(writer, &mut source, groups, members, requests),
            Encoder::V2(writer) => write(writer, &mut source, groups, members, requests),
        }
    }
}

fn write<C: Codec>(
    writer: &mut RequestWriter<C>,
    source: &mut Source<'_>,
    groups: &Groups,
    members: &mut Vec<u32>,
    requests: &mut dyn Requests,
) {
    writer.begin_batch();
    for (lane, heads) in groups.lanes().enumerate() {
        for heads in heads.chunks(WARM_ROWS) {
            source.tables.rows.warm(heads);
            for &head in heads {
                groups.members(head, &source.tables.rows, source.drops, members);
                writer.put(source, members, lane, requests);
            }
        }
        writer.finish(lane, requests);
    }
}

impl std::fmt::Debug for Translator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Translator")
            .field("protocol", &self.protocol())
            .field("lanes", &self.lanes)
            .field("settings", &self.choices.settings)
            .finish_non_exhaustive()
    }
}
