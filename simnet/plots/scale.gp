# Costs by the number of nodes, as tests/bench/run.sh scale measured them: processes on one machine
# (block 0 of the table), nodes in the simulator (block 1).
# Called with: the table, out, kind of file, title.
call "common.gp" ARG2 ARG3 ARG4
set terminal ARG3 size 960,720 font "sans,12"
table = ARG1
unset title
set multiplot layout 2,2 title "cost of a node by the number of nodes" noenhanced
set logscale x
set xlabel "nodes"
set xrange [8:15000]
set yrange [0:*]
set key tmargin
set ylabel "block, ms (p50, p99)"
plot table index 0 using 1:2 with linespoints lc rgb blue title "processes", \
     "" index 0 using 1:3 with lines dt 2 lw 2 lc rgb blue notitle, \
     "" index 1 using 1:2 with linespoints lc rgb orange title "simulated", \
     "" index 1 using 1:3 with lines dt 2 lw 2 lc rgb orange notitle
set ylabel "transaction, ms (p50, p99)"
plot table index 0 using 1:4 with linespoints lc rgb blue title "processes", \
     "" index 0 using 1:5 with lines dt 2 lw 2 lc rgb blue notitle, \
     "" index 1 using 1:4 with linespoints lc rgb orange title "simulated", \
     "" index 1 using 1:5 with lines dt 2 lw 2 lc rgb orange notitle
set ylabel "kB sent by a node"
plot table index 0 using 1:($7/1000) with linespoints lc rgb blue title "processes", \
     "" index 1 using 1:($7/1000) with linespoints lc rgb orange title "simulated"
set ylabel "memory of a node, KiB"
plot table index 0 using 1:8 with linespoints lc rgb blue title "processes", \
     "" index 1 using 1:8 with linespoints lc rgb orange title "simulated"
unset multiplot
