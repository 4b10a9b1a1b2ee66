// The write-ahead log's file before SQLite may touch it: whether it is whole, torn or damaged.
//
// SQLite takes everything behind the first frame that does not fit for the rest of a crash, and
// drops it without a word. Most often it is; a damaged sector in the middle looks the same to it.
// Which of the two it is follows from the order of writing (https://www.sqlite.org/walformat.html,
// synchronous=FULL, one writer):
//   - The header is synced before the first frame is written, and a commit is synced before the
//     next transaction writes its first frame. A crash therefore tears at most the last
//     transaction, of which any page may be missing, and what it tore is overwritten from its
//     begin.
//   - Each frame's checksum goes on from that of the frame before it. A frame that goes on from a
//     commit was written after that commit had been synced, and all before it with it. Where such a
//     pair stands behind a frame that does not fit, that frame was whole once: damage. No crash
//     leaves this, however many sectors of however many torn transactions it left; the mark of the
//     commit counts when its own checksum vouches for it.
//   - Frames of an earlier round of the log carry other salts and say nothing.
//   - The index beside the log (-shm) is told of a commit after the commit was synced. While it is
//     of the same round (same salts, its own checksum right), the log holds at least what it names.
//     After a loss of power it may be older or torn; then it claims less, or nothing.
// This presumes that a log that was taken up after a crash is synced before anything is written
// behind it: SQLite does not, CheckWal does.
// What only concerns the last transaction cannot be told from a crash: it is counted as dropped.
//
// Threads: pure functions.
#ifndef BIZOND_STORE_WAL_FILE_H_
#define BIZOND_STORE_WAL_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fs.h"

namespace bizond {

struct WalReport {
  std::string damage;           // Empty: none, or none that can be told from a crash.
  uint64_t whole_frames = 0;    // Up to the last commit that will be seen.
  uint64_t dropped_frames = 0;  // Of the same round behind it: of a change that is not whole.
};

// Of the log beside the database `file`. Nobody may be writing to it.
Result<WalReport> ExamineWal(const Root& root, std::string_view file);

// Before a store that nobody uses is opened. store_corrupt: damage. What SQLite will drop is said
// in the daemon's log, and what it will take up is made durable.
Status CheckWal(const Root& root, std::string_view file);

}  // namespace bizond

#endif  // BIZOND_STORE_WAL_FILE_H_
