//! health_check extension: answers probes.
