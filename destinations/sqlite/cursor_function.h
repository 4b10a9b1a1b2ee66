// The SQL functions by which a merge compares rows: a row's cursor as a blob whose order is the
// cursor's.
//
// bizond_cursor(source_data) finds the cursor field in a record; bizond_cursor_value(column) takes
// the value of an unnested column. A row without a cursor gives the smallest blob.
//
// Threads: as the database.
#ifndef BIZOND_DESTINATIONS_SQLITE_CURSOR_FUNCTION_H_
#define BIZOND_DESTINATIONS_SQLITE_CURSOR_FUNCTION_H_

#include <string>

#include "base/error.h"
#include "destinations/sqlite/database.h"

namespace bizond {

Status AddCursorFunctions(SqliteDatabase* database, const std::string& cursor_field);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_SQLITE_CURSOR_FUNCTION_H_
