#include "tests/sync/pump_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sync/record_parser.h"

namespace bizond {

namespace {

constexpr char kStream[] = "rows";

struct Died : std::runtime_error {
  Died() : std::runtime_error("the test asked for it") {}
};

class SilentLog final : public RunLog {
 public:
  void Write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace

// Pages of the table, up to where it ended when the run began.
class WorldSource final : public Source {
 public:
  explicit WorldSource(PumpWorld* world) : world_(world) {}

  Status CheckConnection(std::stop_token) override { return {}; }
  bool ReadsInCursorOrder() const override { return world_->in_cursor_order; }

  Result<Iteration> Read(const ReadRequest& request, std::string_view pagination,
                         RecordBatch* batch, std::stop_token stop) override {
    if (stop.stop_requested()) return tl::make_unexpected(StoppedError("reading the table"));
    BIZOND_RETURN_IF_ERROR(world_->Step());
    const bool stream = request.mode == SyncMode::kStream;
    Iteration iteration;
    size_t end = world_->table.size();
    if (!stream) {
      if (request.upper_bound.empty()) {
        iteration.upper_bound = std::to_string(end);
      } else {
        end = std::stoul(request.upper_bound);
      }
    }
    size_t at = 0;
    if (!pagination.empty()) {
      at = std::stoul(std::string(pagination));
    } else if (request.watermark && !request.watermark->position.empty()) {
      at = std::stoul(request.watermark->position);
    }
    for (; at < end && iteration.rows_read < world_->page_rows; ++at) {
      Add(world_->table[at], request, batch, &iteration);
    }
    iteration.rows_read += world_->rows_read_too_many;
    iteration.next_pagination = std::to_string(at);
    if (world_->job.source.cursor_field.empty()) iteration.next_position = std::to_string(at);
    iteration.exhausted = !stream && at >= end;
    const size_t ahead = ++world_->pages_ahead;
    if (ahead > world_->pages_ahead_most) world_->pages_ahead_most = ahead;
    BIZOND_RETURN_IF_ERROR(world_->Step());
    return iteration;
  }

  Status Published(std::string_view position, std::stop_token) override {
    world_->told.emplace_back(position);
    return world_->Step();
  }

 private:
  void Add(const std::string& row, const ReadRequest& request, RecordBatch* batch,
           Iteration* iteration) {
    const auto position = static_cast<uint32_t>(iteration->rows_read);
    if (row[0] == '!') {
      ++iteration->rows_read;
      batch->rejects().push_back({"table", "bad_json", "not valid JSON", row, position});
      return;
    }
    if (Status added = request.parser->Add(batch->Store(row), position, batch); !added) {
      throw std::logic_error(Describe(added.error()));
    }
    if (world_->asks_from_watermark && request.watermark && !request.watermark->cursor.empty()) {
      const std::string_view cursor = batch->records().back().cursor;
      if (!cursor.empty() && cursor != "null" &&
          std::stol(std::string(cursor)) < std::stol(request.watermark->cursor)) {
        batch->records().pop_back();
        return;
      }
    }
    if (world_->asks_from_watermark && request.window) {
      const long at = std::stol(std::string(batch->records().back().cursor));
      if (at < std::stol(request.window->from_token()) ||
          at >= std::stol(request.window->to_token())) {
        batch->records().pop_back();
        return;
      }
    }
    ++iteration->rows_read;
  }

  PumpWorld* const world_;
};

class WorldDestination : public Destination {
 public:
  explicit WorldDestination(PumpWorld* world) : world_(world) {}

  Status CheckConnection(std::stop_token) override { return {}; }
  bool ExactlyOnce() const override { return world_->exactly_once; }

  Status Open(const OpenRequest& request, std::stop_token) override {
    request_ = request;
    BIZOND_RETURN_IF_ERROR(world_->Step());
    if (!world_->exactly_once) return {};
    // A stream's flushes are publications: the ledger knows the run whose last one it was.
    const bool own = request.mode == PublishMode::kDirect &&
                     (request.mark || world_->ledger_run_ == request.publisher.run_id);
    const bool replaces = request.mode == PublishMode::kReplace;
    if (!request.intent && !own && !replaces &&
        request.receipt.value_or("") != world_->ledger_receipt_) {
      return Fail(ErrorKind::kPermanent, "target_diverged",
                  fmt::format("the store remembers {} and the ledger {}",
                              request.receipt.value_or("nothing"), world_->ledger_receipt_));
    }
    if (request.intent) return world_->Step();
    auto& rows = request.mode == PublishMode::kDirect ? world_->target : world_->staging;
    size_t wanted = request.mode == PublishMode::kDirect ? rows.size() : 0;
    if (request.mark) wanted = std::stoul(*request.mark);
    if (wanted > rows.size()) world_->Break("a mark beyond what is there");
    rows.resize(std::min(wanted, rows.size()));
    Durable() = rows.size();
    return world_->Step();
  }

  Status WriteRecords(const RecordBatch& batch) override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    --world_->pages_ahead;
    world_->clock_.Advance(world_->page_takes);
    const bool stops = ++pages_ == world_->stop_in_write;
    for (const Record& record : batch.records()) {
      if (stops && &record == &batch.records().back()) world_->Stop();
      if (world_->stop_->stop_requested() && world_->exactly_once) {
        return tl::make_unexpected(StoppedError("writing"));
      }
      if (!Direct() && world_->exactly_once && sealed_) world_->Break("written after the intent");
      if (Refuses(record.data)) {
        refused_.push_back({batch.iteration,
                            {"table", "row_refused", "no such column", std::string(record.data),
                             record.position}});
        if (refused_.size() % 2 == 1) BIZOND_RETURN_IF_ERROR(RejectRefused());
        continue;
      }
      Written().push_back({request_.ids.Make(batch.iteration, record.position),
                           std::string(record.key), std::string(record.cursor),
                           std::string(record.data)});
      bytes_ += record.data.size();
    }
    return world_->Step();
  }

  Result<std::string> Flush() override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    BIZOND_RETURN_IF_ERROR(RejectRefused());
    ++world_->flushes;
    Durable() = Written().size();
    std::string mark = std::to_string(Written().size());
    if (Direct()) {
      world_->ledger_receipt_ = mark;
      world_->ledger_run_ = request_.publisher.run_id;
    }
    BIZOND_RETURN_IF_ERROR(world_->Step());
    return mark;
  }

  Result<std::string> Prepare() override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    sealed_ = true;
    return fmt::format("{} {}", request_.publisher.run_id, Written().size());
  }

  Status Finalize() override { return world_->Step(); }

  Result<std::string> Finalize(std::string_view intent) override {
    if (!world_->exactly_once) {
      BIZOND_RETURN_IF_ERROR(Finalize());
      return std::string();
    }
    BIZOND_RETURN_IF_ERROR(world_->Step());
    if (world_->ledger_run_ != request_.publisher.run_id) {
      if (intent != fmt::format("{} {}", request_.publisher.run_id, Written().size())) {
        world_->Break("published something else than was intended");
      }
      Publish();
      world_->ledger_run_ = request_.publisher.run_id;
      world_->ledger_receipt_ = Direct() ? std::to_string(world_->target.size())
                                         : "receipt of " + request_.publisher.run_id;
      world_->durable_target_ = world_->target.size();
    }
    BIZOND_RETURN_IF_ERROR(world_->Step());
    return world_->ledger_receipt_;
  }

  Status Cleanup() override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    if (!Direct()) world_->staging.clear();
    return {};
  }

  Status Discard() override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    if (!Direct()) world_->staging.clear();
    return {};
  }

  uint64_t BytesWritten() const override { return bytes_; }

 private:
  bool Direct() const { return request_.mode == PublishMode::kDirect || !world_->exactly_once; }
  bool Refuses(std::string_view data) const {
    return !world_->refuses.empty() && data.find(world_->refuses) != data.npos;
  }
  Status RejectRefused() {
    for (auto& [iteration, reject] : std::exchange(refused_, {})) {
      BIZOND_RETURN_IF_ERROR(request_.rejects->Reject(iteration, std::move(reject)));
    }
    return {};
  }
  std::vector<PublishedRow>& Written() { return Direct() ? world_->target : world_->staging; }
  size_t& Durable() { return Direct() ? world_->durable_target_ : world_->durable_staging_; }

  void Publish() {
    auto& target = world_->target;
    if (Direct()) return;
    if (request_.mode == PublishMode::kReplace) target.clear();
    for (const PublishedRow& row : world_->staging) {
      if (request_.mode == PublishMode::kMerge) {
        const auto found = std::find_if(target.begin(), target.end(), [&](const PublishedRow& one) {
          return one.key == row.key;
        });
        if (found != target.end()) {
          if (std::stol(found->cursor) <= std::stol(row.cursor)) *found = row;
          continue;
        }
      }
      target.push_back(row);
    }
  }

  PumpWorld* const world_;
  OpenRequest request_;
  std::vector<std::pair<uint64_t, RejectedRecord>> refused_;
  bool sealed_ = false;
  uint64_t bytes_ = 0;
  int pages_ = 0;
};

// What the store keeps, as the text that it would keep.
class WorldState final : public RunState {
 public:
  WorldState(PumpWorld* world, std::string run) : world_(world), run_(std::move(run)) {}

  Result<StreamMemory> Load(std::string_view) override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    StreamMemory memory;
    if (const auto found = world_->checkpoints.find(run_); found != world_->checkpoints.end()) {
      BIZOND_ASSIGN_OR_RETURN(memory.checkpoint, DecodeCheckpoint(found->second));
    }
    if (world_->watermark) {
      BIZOND_ASSIGN_OR_RETURN(memory.watermark, DecodeWatermark(*world_->watermark));
    }
    memory.receipt = world_->receipt;
    memory.recorded = world_->recorded.contains(run_);
    return memory;
  }

  Status SaveCheckpoint(std::string_view, const Checkpoint& checkpoint) override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    world_->checkpoints[run_] = EncodeCheckpoint(checkpoint);
    KeepChunks(checkpoint.chunks);
    world_->last_upper_bound = checkpoint.upper_bound;
    return world_->Step();
  }

  Result<int64_t> PutChunk(std::string_view, std::string_view chunk) override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    const auto id = ++world_->last_chunk;
    world_->chunks[id] = {run_, std::string(chunk)};
    BIZOND_RETURN_IF_ERROR(world_->Step());
    return id;
  }

  Result<std::string> GetChunk(std::string_view, int64_t id) override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    const auto found = world_->chunks.find(id);
    if (found == world_->chunks.end()) {
      world_->Break(fmt::format("chunk {} is gone", id));
      return Fail(ErrorKind::kPermanent, "bad_watermark", "gone");
    }
    return found->second.second;
  }

  Status DropCheckpoint(std::string_view) override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    world_->checkpoints.erase(run_);
    KeepChunks({});
    return world_->Step();
  }

  Status RecordStream(std::string_view, const StreamRecord& record, bool) override {
    BIZOND_RETURN_IF_ERROR(world_->Step());
    if (world_->recorded.contains(run_)) world_->Break("recorded twice");
    world_->recorded.insert(run_);
    world_->checkpoints.erase(run_);
    KeepChunks(record.watermark ? record.watermark->chunks : std::vector<int64_t>());
    if (record.watermark) {
      world_->watermark = EncodeWatermark(*record.watermark);
      const std::set<int64_t> named(record.watermark->chunks.begin(),
                                    record.watermark->chunks.end());
      std::erase_if(world_->chunks, [&](const auto& item) { return !named.contains(item.first); });
      if (named.size() != world_->chunks.size()) world_->Break("a chunk is not there");
      for (auto& [id, chunk] : world_->chunks) chunk.first.clear();
    }
    world_->receipt = record.receipt;
    world_->last_record = record;
    return world_->Step();
  }

  void ReportProgress(std::string_view, Stage, const Counters& counters) override {
    world_->last_counters = counters;
    if (world_->stop_when_caught_up && counters.rows_read > 0) world_->StopWhenCaughtUp();
  }

 private:
  // As the store does: what this run wrote and does not name is forgotten.
  void KeepChunks(const std::vector<int64_t>& named) {
    std::erase_if(world_->chunks, [&](const auto& item) {
      return item.second.first == run_ &&
             std::find(named.begin(), named.end(), item.first) == named.end();
    });
  }

  PumpWorld* const world_;
  const std::string run_;
};

PumpWorld::PumpWorld() : clock_(FromUnixMicros(1'700'000'000'000'000)) {
  job.name = "job";
  job.source.name = "table";
  job.source.streams = {kStream};
  job.destination.name = "target";
  job.destination.buffer_bytes = 200;
}

Status PumpWorld::Step() {
  std::lock_guard lock(mutex_);
  ++steps;
  if (steps == stop_at) Stop();
  if (steps == die_at) dead_ = true;
  // Whoever comes after a death by throw is a thread of the same dead process.
  if (!dead_ || (!dies_by_throw && steps != die_at)) return {};
  if (dies_by_throw) throw Died();
  return Fail(ErrorKind::kTransient, "died", "the test asked for it");
}

void PumpWorld::StopWhenCaughtUp() {
  const auto rows = std::count_if(table.begin(), table.end(),
                                  [](const std::string& row) { return row[0] != '!'; });
  // An at-least-once destination has some of them twice, with the same id.
  std::set<std::string_view> ids;
  for (const PublishedRow& row : target) ids.insert(row.id);
  if (ids.size() >= static_cast<size_t>(rows)) Stop();
}

void PumpWorld::Stop() {
  reason_ = stop_reason;
  stop_->request_stop();
}

void PumpWorld::Break(const std::string& what) { broken.push_back(what); }

Result<Counters> PumpWorld::Attempt(const std::string& run) {
  stop_.emplace();
  reason_ = StopReason::kNone;
  dead_ = false;
  steps = 0;
  pages_ahead = 0;
  WorldSource source(this);
  WorldDestination destination(this);
  WorldState state(this, run);
  SilentLog log;
  PumpPlan plan;
  plan.job = &job;
  plan.publisher = {"store", 1, job.name, kStream, run, 1};
  plan.reset = reset;
  plan.window = window;
  plan.queue_bytes = queue_bytes;
  plan.boundary_entries = boundary_entries;
  plan.rejects = {*Root::Open(directory_.path()), "rejects/" + run + ".jsonl"};
  Result<Counters> result;
  try {
    SyncPump pump(plan, {&source, &destination, &state, &log, &clock_, &reason_});
    result = pump.Run(stop_->get_token());
  } catch (const Died&) {
    result = Fail(ErrorKind::kTransient, "died", "the test asked for it");
  }
  if (!result) {
    // Any part of what no flush made durable may have reached the disk.
    const auto cut = [this](std::vector<PublishedRow>& rows, size_t durable) {
      if (rows.size() <= durable) return;
      rows.resize(durable + chance() % (rows.size() - durable + 1));
    };
    if (exactly_once) cut(staging, durable_staging_);
    if (exactly_once && job.source.sync_mode == SyncMode::kStream) cut(target, durable_target_);
  }
  return result;
}

void PumpWorld::RunToTheEnd(const std::string& run) {
  std::string last;
  for (int attempt = 0; attempt < 20; ++attempt) {
    const Result<Counters> result = Attempt(run);
    die_at = 0;
    if (result) return;
    if (recorded.contains(run)) continue;
    last = Describe(result.error());
  }
  Break("the run does not end: " + last);
}

std::vector<std::string> PumpWorld::Published() const {
  std::vector<std::string> rows;
  rows.reserve(target.size());
  for (const PublishedRow& row : target) rows.push_back(row.data);
  return Sorted(std::move(rows));
}

std::vector<std::string> PumpWorld::Rejects(const std::string& run) const {
  std::vector<std::string> rows;
  std::istringstream lines(directory_.Read("rejects/" + run + ".jsonl"));
  for (std::string line; std::getline(lines, line);) {
    rows.push_back(nlohmann::json::parse(line).at("data").get<std::string>());
  }
  return Sorted(std::move(rows));
}

Watermark PumpWorld::LastWatermark() const { return *DecodeWatermark(watermark.value()); }

std::string RowText(int id, int at, const std::string& payload) {
  return fmt::format(R"({{"id":{},"at":{},"n":"{}"}})", id, at, payload);
}

std::vector<std::string> Sorted(std::vector<std::string> rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace bizond
