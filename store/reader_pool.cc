#include "store/reader_pool.h"

#include <utility>

#include "store/sqlite_queries.h"

namespace bizond {

ReaderPool::ReaderPool(std::filesystem::path database, std::filesystem::path history,
                       StoreState* state, size_t size)
    : database_(std::move(database)), history_(std::move(history)), state_(state), size_(size) {}

std::unique_ptr<ReaderPool::Reader> ReaderPool::Take() {
  {
    std::unique_lock lock(mutex_);
    given_back_.wait(lock, [this] { return taken_ < size_; });
    ++taken_;
    if (!idle_.empty()) {
      std::unique_ptr<Reader> reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  try {
    // NOLINTNEXTLINE(modernize-make-unique): an aggregate of what cannot be moved.
    return std::unique_ptr<Reader>(new Reader{
        Connection(database_, Connection::Role::kReader, state_), HistoryLink(history_, state_)});
  } catch (...) {
    GiveBack(nullptr);
    throw;
  }
}

void ReaderPool::GiveBack(std::unique_ptr<Reader> reader) {
  std::lock_guard lock(mutex_);
  --taken_;
  if (reader != nullptr) idle_.push_back(std::move(reader));
  given_back_.notify_one();
}

Status ReaderPool::ReadWith(Reader& reader,
                            const std::function<Status(const StoreReader&)>& query) {
  Status status = reader.db.Guard([&]() -> Status {
    reader.db.Run("BEGIN");
    // The snapshot is taken by the first read; it must be older than the history's.
    reader.db.MaybeInt("SELECT 1 FROM meta LIMIT 1");
    const SqliteReader rows(reader.db, reader.history);
    return query(rows);
  });
  if (reader.db.InTransaction()) {
    Status ended = reader.db.Guard([&]() -> Status {
      reader.db.Run("ROLLBACK");
      return {};
    });
    if (status && !ended) status = std::move(ended);
  }
  return status;
}

Status ReaderPool::Read(const std::function<Status(const StoreReader&)>& query) {
  std::unique_ptr<Reader> reader;
  try {
    reader = Take();
  } catch (const SQLite::Exception& exception) {
    Error error = SqliteError(exception, database_.string());
    state_->Report(error);
    return tl::make_unexpected(std::move(error));
  }
  // A connection that a foreign exception left in mid-read is not used again.
  Status status;
  try {
    status = ReadWith(*reader, query);
  } catch (...) {
    GiveBack(nullptr);
    throw;
  }
  reader->db.TakeFailure();
  GiveBack(std::move(reader));
  return status;
}

}  // namespace bizond
