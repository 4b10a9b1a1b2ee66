#include "store/wal_vfs.h"

#include <sqlite3.h>

#include <new>
#include <string>

namespace bizond {
namespace {

// SQLite's own layer takes at most 128 KiB less one byte in a write.
constexpr size_t kMostGathered = 120 * 1024;
constexpr const char* kName = "bizond-wal";

// Bytes that follow each other in the file and are not written yet.
class Gathered {
 public:
  int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    const auto bytes = static_cast<size_t>(size);
    const bool follows = offset == begin_ + static_cast<sqlite3_int64>(bytes_.size());
    if (!bytes_.empty() && (!follows || bytes_.size() + bytes > kMostGathered)) {
      if (const int code = Flush(file); code != SQLITE_OK) return code;
    }
    if (bytes > kMostGathered) return file->pMethods->xWrite(file, data, size, offset);
    if (bytes_.empty()) begin_ = offset;
    try {
      bytes_.append(static_cast<const char*>(data), bytes);
    } catch (const std::bad_alloc&) {
      return SQLITE_IOERR_NOMEM;
    }
    return SQLITE_OK;
  }

  // What cannot be written is forgotten: its transaction fails, and the next one writes over it.
  int Flush(sqlite3_file* file) {
    if (bytes_.empty()) return SQLITE_OK;
    const int code =
        file->pMethods->xWrite(file, bytes_.data(), static_cast<int>(bytes_.size()), begin_);
    bytes_.clear();
    return code;
  }

 private:
  sqlite3_int64 begin_ = 0;
  std::string bytes_;
};

// As SQLite lays out files: the methods first. The file that it stands for lies behind it.
struct LogFile {
  sqlite3_file base;
  Gathered gathered;
};

Gathered& GatheredOf(sqlite3_file* file) { return reinterpret_cast<LogFile*>(file)->gathered; }
sqlite3_file* Inner(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<LogFile*>(file) + 1);
}

int Flush(sqlite3_file* file) { return GatheredOf(file).Flush(Inner(file)); }

int Close(sqlite3_file* file) {
  const int flushed = Flush(file);
  const int closed = Inner(file)->pMethods->xClose(Inner(file));
  GatheredOf(file).~Gathered();
  return flushed != SQLITE_OK ? flushed : closed;
}
int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  if (const int code = Flush(file); code != SQLITE_OK) return code;
  return Inner(file)->pMethods->xRead(Inner(file), out, size, offset);
}
int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  return GatheredOf(file).Write(Inner(file), data, size, offset);
}
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int code = Flush(file); code != SQLITE_OK) return code;
  return Inner(file)->pMethods->xTruncate(Inner(file), size);
}
int Sync(sqlite3_file* file, int flags) {
  if (const int code = Flush(file); code != SQLITE_OK) return code;
  return Inner(file)->pMethods->xSync(Inner(file), flags);
}
int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  if (const int code = Flush(file); code != SQLITE_OK) return code;
  return Inner(file)->pMethods->xFileSize(Inner(file), size);
}
int Lock(sqlite3_file* file, int level) { return Inner(file)->pMethods->xLock(Inner(file), level); }
int Unlock(sqlite3_file* file, int level) {
  return Inner(file)->pMethods->xUnlock(Inner(file), level);
}
int CheckReservedLock(sqlite3_file* file, int* reserved) {
  return Inner(file)->pMethods->xCheckReservedLock(Inner(file), reserved);
}
int FileControl(sqlite3_file* file, int what, void* argument) {
  return Inner(file)->pMethods->xFileControl(Inner(file), what, argument);
}
int SectorSize(sqlite3_file* file) { return Inner(file)->pMethods->xSectorSize(Inner(file)); }
int DeviceCharacteristics(sqlite3_file* file) {
  return Inner(file)->pMethods->xDeviceCharacteristics(Inner(file));
}

// Version 1: a log is neither mapped nor shared as memory.
constexpr sqlite3_io_methods kLogMethods = {.iVersion = 1,
                                            .xClose = Close,
                                            .xRead = Read,
                                            .xWrite = Write,
                                            .xTruncate = Truncate,
                                            .xSync = Sync,
                                            .xFileSize = FileSize,
                                            .xLock = Lock,
                                            .xUnlock = Unlock,
                                            .xCheckReservedLock = CheckReservedLock,
                                            .xFileControl = FileControl,
                                            .xSectorSize = SectorSize,
                                            .xDeviceCharacteristics = DeviceCharacteristics,
                                            .xShmMap = nullptr,
                                            .xShmLock = nullptr,
                                            .xShmBarrier = nullptr,
                                            .xShmUnmap = nullptr,
                                            .xFetch = nullptr,
                                            .xUnfetch = nullptr};

int Open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  auto* const own = static_cast<sqlite3_vfs*>(vfs->pAppData);
  if ((flags & SQLITE_OPEN_WAL) == 0) return own->xOpen(own, name, file, flags, out_flags);
  auto* const log = new (file) LogFile{};
  const int code = own->xOpen(own, name, Inner(file), flags, out_flags);
  if (code == SQLITE_OK) {
    log->base.pMethods = &kLogMethods;
  } else {
    log->~LogFile();  // Without methods it is not closed.
  }
  return code;
}

}  // namespace

const char* WalVfs() {
  static const int registered = [] {
    sqlite3_vfs* const own = sqlite3_vfs_find(nullptr);
    // The other functions are SQLite's; those look at no field of the layer that they are called
    // by.
    static sqlite3_vfs vfs = *own;
    vfs.zName = kName;
    vfs.pAppData = own;
    vfs.pNext = nullptr;
    vfs.szOsFile = own->szOsFile + static_cast<int>(sizeof(LogFile));
    vfs.xOpen = Open;
    return sqlite3_vfs_register(&vfs, /*makeDflt=*/0);
  }();
  return registered == SQLITE_OK ? kName : "";
}

}  // namespace bizond
