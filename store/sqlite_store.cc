#include "store/sqlite_store.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/fs.h"
#include "store/backup.h"
#include "store/opening.h"
#include "store/reader_pool.h"
#include "store/retention.h"
#include "store/writer.h"

namespace bizond {
namespace {

class SqliteStore final : public Store {
 public:
  SqliteStore(OpenedStore opened, const StoreOptions& options)
      : root_(std::move(opened.root)),
        lock_(std::move(opened.lock)),
        file_name_(options.file_name),
        store_id_(std::move(opened.store_id)),
        epoch_(opened.epoch),
        state_(std::move(opened.state)),
        readers_(root_.path() / file_name_, root_.path() / kHistoryFile, state_.get(),
                 options.readers),
        writer_(std::make_unique<Committer>(std::move(opened.db), root_.path() / kHistoryFile,
                                            state_.get(), options.clock)),
        retention_(root_, file_name_, std::move(opened.history_migrations), state_.get(),
                   &writer_) {}

  Status Read(const std::function<Status(const StoreReader&)>& query) const override {
    return readers_.Read(query);
  }
  Status Write(std::function<Status(StoreTx&)> change, Refusal refusal) override {
    return writer_.Write(change, refusal);
  }
  std::string StoreId() const override { return store_id_; }
  int64_t Epoch() const override { return epoch_; }
  void OnEvent(std::function<void()> listener) override {
    writer_.SetListener(std::move(listener));
  }
  Result<int> Retain(UtcTime before, int chunk) override { return retention_.Move(before, chunk); }
  Result<int> Prune(UtcTime before, int chunk) override { return retention_.Prune(before, chunk); }
  Status Backup(const std::string& path) override {
    return BackupStore(root_, file_name_, path, state_.get());
  }

  StoreHealth Health() const override {
    StoreHealth health;
    if (const std::optional<Error> problem = state_->Problem()) {
      health.ok = false;
      health.problem = Describe(*problem);
      // Nobody may be writing while the store is unwell: whether it is well again must be tried.
      if (problem->kind == ErrorKind::kTransient) writer_.Probe();
    }
    if (const auto info = root_.Stat(file_name_); info && *info) {
      health.database_bytes = (*info)->size_bytes;
    } else if (health.ok) {
      health.ok = false;
      health.problem = fmt::format("{} is gone; restore a backup: bizond restore FILE",
                                   (root_.path() / file_name_).string());
    }
    if (const auto info = root_.Stat(file_name_ + "-wal"); info && *info) {
      health.wal_bytes = (*info)->size_bytes;
    }
    if (const auto info = root_.Stat(kHistoryFile); info && *info) {
      health.history_bytes = (*info)->size_bytes;
    }
    return health;
  }

 private:
  // Constant after construction.
  const Root root_;
  const FileLock lock_;
  const std::string file_name_;
  const std::string store_id_;
  const int64_t epoch_;

  const std::unique_ptr<StoreState> state_;
  mutable ReaderPool readers_;  // Closed after the writer, which copies the WAL last.
  mutable Writer writer_;
  Retention retention_;
};

}  // namespace

Result<std::unique_ptr<Store>> OpenSqliteStore(const StoreOptions& options) {
  BIZOND_ASSIGN_OR_RETURN(OpenedStore opened, OpenStoreFiles(options));
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(opened), options));
}

}  // namespace bizond
