# The tree of blocks: each hangs on its parent; those beside the final chain stand out.
# Called with: data folder, out, kind of file, title.
call "common.gp" ARG2 ARG3 ARG4
table = ARG1."/blocks.tsv"
set xlabel "virtual time, s"
set ylabel "height"
set xrange [0:*]
set yrange [0:*]
plot table using (($6 == 0) ? $4 : NaN):3:($2 - $4):($1 - $3) every ::1 \
         with vectors nohead lw 2 lc rgb orange title "lost the race", \
     table using (($6 == 1) ? $4 : NaN):3:($2 - $4):($1 - $3) every ::1 \
         with vectors nohead lw 2 lc rgb blue title "final chain", \
     table using (($6 == 0) ? $2 : NaN):1 every ::1 with points pt 7 ps 0.5 lc rgb orange notitle, \
     table using (($6 == 1) ? $2 : NaN):1 every ::1 with points pt 7 ps 0.5 lc rgb blue notitle
