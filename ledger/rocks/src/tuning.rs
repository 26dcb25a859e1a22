//! RocksDB's many options, each with the reason for its value.

use crate::layout::{Family, POSTING_PREFIX};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Env,
    SliceTransform,
};

/// What a machine's size decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Memory for blocks that were read, indexes and filters included.
    pub block_cache_bytes: usize,
    /// Memory for writes that are not yet in files; also the most that reopening has to replay.
    pub write_buffer_bytes: usize,
    /// Threads that flush and compact.
    pub background_jobs: i32,
    /// Files held open; half of the common limit of 1,024 for a process, which also has sockets.
    pub open_files_max: i32,
}

impl Default for Options {
    /// For a machine of 2 cores and 4 GiB.
    fn default() -> Self {
        Self {
            block_cache_bytes: 256 << 20,
            write_buffer_bytes: 512 << 20,
            background_jobs: 2,
            open_files_max: 512,
        }
    }
}

impl Options {
    pub(crate) fn database(&self) -> rocksdb::Options {
        let mut options = rocksdb::Options::default();
        options.set_paranoid_checks(true);
        // A crash tears the tail of the log, and only that is forgiven. The default, point in
        // time, stops at the first bad record wherever it is and opens with what came before it:
        // acknowledged blocks would be gone without a word. A tail torn further than a crash can
        // tear it is caught by the head file; a log cut short behind another log, by the sizes
        // kept in the manifest.
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        options.set_track_and_verify_wals_in_manifest(true);
        // Commits come one at a time, under a lock.
        options.set_allow_concurrent_memtable_write(false);
        options.set_db_write_buffer_size(self.write_buffer_bytes);
        options.set_max_total_wal_size(u64::try_from(self.write_buffer_bytes).unwrap_or(u64::MAX));
        options.set_max_background_jobs(self.background_jobs);
        options.set_max_open_files(self.open_files_max);
        // Write files out as they grow, or the sync of a commit waits behind a whole flush.
        options.set_bytes_per_sync(1 << 20);
        // Compaction takes what time is left: who waits for a receipt goes first. A system that
        // refuses lets the two share evenly, which is slower and no fault.
        if let Ok(mut env) = Env::new() {
            env.lower_thread_pool_cpu_priority();
            options.set_env(&env);
        }
        // RocksDB's own diary: enough to look back on a fault, and bounded.
        options.set_max_log_file_size(8 << 20);
        options.set_keep_log_file_num(4);
        options
    }

    pub(crate) fn families(&self) -> Vec<ColumnFamilyDescriptor> {
        let cache = Cache::new_lru_cache(self.block_cache_bytes);
        Family::ALL
            .into_iter()
            .map(|family| ColumnFamilyDescriptor::new(family.name(), self.family(family, &cache)))
            .collect()
    }

    fn family(&self, family: Family, cache: &Cache) -> rocksdb::Options {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(cache);
        // Indexes and filters count against the cache, so memory stays what was configured.
        table.set_cache_index_and_filter_blocks(true);
        table.set_cache_index_and_filter_blocks_with_high_priority(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        let mut options = rocksdb::Options::default();
        options.set_max_write_buffer_number(4);
        match family {
            // Keys only rise, so files never overlap: compaction moves them, and a filter would
            // answer yes to every question asked.
            Family::Entries | Family::Bodies | Family::Effects => {
                options.set_write_buffer_size(self.write_buffer_bytes / 8);
                options.set_compression_type(DBCompressionType::Lz4);
                table.set_block_size(8 << 10);
            }
            // Hashes do not compress.
            Family::Tiles => {
                options.set_write_buffer_size(self.write_buffer_bytes / 16);
                options.set_compression_type(DBCompressionType::None);
            }
            Family::Records => {
                options.set_write_buffer_size(self.write_buffer_bytes / 8);
                options.set_compression_type(DBCompressionType::None);
                point_lookups(&mut options, &mut table);
            }
            // The pages near the root change in every block: a large buffer drops the old ones
            // before they reach a file.
            Family::Pages => {
                options.set_write_buffer_size(self.write_buffer_bytes / 4);
                options.set_compression_type(DBCompressionType::None);
                point_lookups(&mut options, &mut table);
            }
            Family::Postings => {
                options.set_write_buffer_size(self.write_buffer_bytes / 16);
                options.set_compression_type(DBCompressionType::None);
                options.set_prefix_extractor(SliceTransform::create_fixed_prefix(POSTING_PREFIX));
                options.set_memtable_prefix_bloom_ratio(0.05);
                table.set_whole_key_filtering(false);
                table.set_bloom_filter(10.0, false);
            }
            Family::Blocks | Family::Meta => {
                options.set_write_buffer_size(self.write_buffer_bytes / 64);
                options.set_compression_type(DBCompressionType::None);
            }
        }
        options.set_block_based_table_factory(&table);
        options
    }
}

/// Whole keys are asked for, and often are not there: a new statement's capture id, a new item.
fn point_lookups(options: &mut rocksdb::Options, table: &mut BlockBasedOptions) {
    options.set_optimize_filters_for_hits(false);
    options.set_memtable_prefix_bloom_ratio(0.05);
    options.set_memtable_whole_key_filtering(true);
    table.set_bloom_filter(10.0, false);
    table.set_block_size(4 << 10);
}
