# How many of the nodes have a block or a transaction, by the time since the first one had it.
# Called with: data folder, out, kind of file, title.
call "common.gp" ARG2 ARG3 ARG4
table = ARG1."/propagation.tsv"
set xlabel "milliseconds since the first node had it"
set ylabel "arrivals, %"
set yrange [0:100]
set xrange [0:*]
set key bottom right
of(kind) = sprintf("<awk -F '\\t' '$1 == \"%s\"' '%s'", kind, table)
plot of("block") using 2:3 with steps lw 2 lc rgb blue title "block", \
     of("transaction") using 2:3 with steps lw 2 lc rgb orange title "transaction"
