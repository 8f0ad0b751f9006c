# Costs by the number of nodes, as tests/bench/run.sh scale measured them: processes on one machine
# (block 0 of the table), nodes in the simulator (block 1).
# Called with: data folder, out, kind of file, title.
call "common.gp" ARG2 ARG3 ARG4
table = ARG1."/scale.tsv"
unset title
set multiplot layout 2,2 title ARG4 noenhanced
set logscale x
set xlabel "nodes"
set xrange [8:15000]
set yrange [0:*]
set key top left
set ylabel "block to a node, ms (p50, p99)"
plot table index 0 using 1:2 with linespoints lc rgb blue title "processes", \
     "" index 0 using 1:3 with linespoints dt 2 lc rgb blue notitle, \
     "" index 1 using 1:2 with linespoints lc rgb orange title "simulated", \
     "" index 1 using 1:3 with linespoints dt 2 lc rgb orange notitle
set ylabel "transaction to a node, ms (p50, p99)"
plot table index 0 using 1:4 with linespoints lc rgb blue title "processes", \
     "" index 0 using 1:5 with linespoints dt 2 lc rgb blue notitle, \
     "" index 1 using 1:4 with linespoints lc rgb orange title "simulated", \
     "" index 1 using 1:5 with linespoints dt 2 lc rgb orange notitle
set ylabel "kB sent by a node"
plot table index 0 using 1:($7/1000) with linespoints lc rgb blue title "processes", \
     "" index 1 using 1:($7/1000) with linespoints lc rgb orange title "simulated"
set ylabel "memory of a node, KiB"
plot table index 0 using 1:8 with linespoints lc rgb blue title "processes", \
     "" index 1 using 1:8 with linespoints lc rgb orange title "simulated"
unset multiplot
