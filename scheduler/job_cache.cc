#include "scheduler/job_cache.h"

#include <nlohmann/json.hpp>

#include "sync/job_parser.h"

namespace bizond {
namespace {

// A spec holds the definition, its two configurations and its schedule as text, and some dozens of
// small strings. A compiled cron expression is about 200 bytes.
size_t SizeOf(const JobRow& job) { return 3 * job.definition.size() + job.name.size() + 2048; }

}  // namespace

Result<CompiledJob> CompileJob(const JobRow& job, const Catalog& catalog) {
  CompiledJob compiled;
  BIZOND_ASSIGN_OR_RETURN(compiled.spec, ParseStoredJob(job.definition, catalog));
  if (compiled.spec.schedule.empty()) return compiled;
  const auto block = nlohmann::json::parse(compiled.spec.schedule, nullptr, false);
  BIZOND_ASSIGN_OR_RETURN(compiled.schedule_spec, ParseSchedule(block, job.name));
  BIZOND_ASSIGN_OR_RETURN(compiled.schedule, Schedule::Compile(*compiled.schedule_spec, job.name));
  return compiled;
}

Result<std::shared_ptr<const CompiledJob>> JobCache::Get(const JobRow& job) {
  if (auto known = Find(job.name, job.version)) return known;
  BIZOND_ASSIGN_OR_RETURN(CompiledJob fresh, CompileJob(job, *catalog_));
  auto compiled = std::make_shared<const CompiledJob>(std::move(fresh));
  Put({job.name, job.version}, compiled, SizeOf(job));
  return compiled;
}

std::shared_ptr<const CompiledJob> JobCache::Find(const std::string& job, int64_t version) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find({job, version});
  if (found == entries_.end()) return nullptr;
  used_.splice(used_.begin(), used_, found->second.used);
  return found->second.job;
}

void JobCache::Put(Key key, std::shared_ptr<const CompiledJob> job, size_t bytes) {
  std::lock_guard lock(mutex_);
  const auto [it, fresh] = entries_.try_emplace(std::move(key));
  if (!fresh) return;  // Another thread was faster.
  used_.push_front(&it->first);
  it->second = {std::move(job), bytes, used_.begin()};
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    const auto last = entries_.find(*used_.back());
    bytes_ -= last->second.bytes;
    used_.pop_back();
    entries_.erase(last);
  }
}

void JobCache::Clear() {
  std::lock_guard lock(mutex_);
  entries_.clear();
  used_.clear();
  bytes_ = 0;
}

size_t JobCache::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace bizond
