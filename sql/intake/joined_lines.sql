-- grain: one row per line of the files that were joined: its number among all, and its file
select name, place, before, unnest(range(before + 1, last + 1)) as line from joined
