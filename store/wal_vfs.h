// The file system layer of the writing connection: what a transaction appends to the write-ahead
// log goes out in one write.
//
// SQLite writes each page of a commit, and the 24 bytes before it, by a system call of its own;
// nobody may read them before the sync that makes the commit. Here they are gathered (up to 120
// KiB) until something else is asked of the file: a sync, a read, a truncation. An error shows
// there, as one of the sync would, and takes the transaction with it. Everything but the log goes
// straight to SQLite's own layer. (https://www.sqlite.org/vfs.html)
//
// Threads: WalVfs may be called from any thread; a file belongs to its connection.
#ifndef BIZOND_STORE_WAL_VFS_H_
#define BIZOND_STORE_WAL_VFS_H_

namespace bizond {

// Its name, registered at the first call; empty: it could not be, and nothing is gathered. Only for
// a connection that syncs every commit (synchronous=FULL): another reader would look for pages that
// are not in the file yet.
const char* WalVfs();

}  // namespace bizond

#endif  // BIZOND_STORE_WAL_VFS_H_
