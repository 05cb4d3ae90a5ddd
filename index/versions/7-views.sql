-- SPDX-License-Identifier: GPL-3.0-or-later

-- What a reader of a database of version 7 needs to see one of the current version.

create temp view day_stretches as
select null as id, null as start_time_90k, null as end_time_90k, null as stretches
 where false;
